// The script of a shop that names vendors or trackers in its consent.toml.
import { start } from './gate.js';
import { stopTrackers } from './trackers.js';
import { tell } from './vendors.js';

start(tell, stopTrackers);
