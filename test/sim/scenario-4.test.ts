// Scenarios from one seed each (docs/simulator.md): seeds 151 to 200.
import { testSeeds } from './scenario/seeds.ts';

testSeeds(151, 50);
