// Scenarios from one seed each (docs/simulator.md): seeds 1 to 50.
import { testSeeds } from './scenario/seeds.ts';

testSeeds(1, 50);
