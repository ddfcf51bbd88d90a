// The script of a shop without vendors and trackers to be told or stopped.
import { start } from './gate.js';

start();
