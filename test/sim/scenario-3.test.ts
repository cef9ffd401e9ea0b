// Scenarios from one seed each (docs/simulator.md): seeds 101 to 150.
import { testSeeds } from './scenario/seeds.ts';

testSeeds(101, 50);
