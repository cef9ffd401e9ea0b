// Scenarios from one seed each (docs/simulator.md): seeds 51 to 100.
import { testSeeds } from './scenario/seeds.ts';

testSeeds(51, 50);
