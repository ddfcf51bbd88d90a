// The script of a shop that names vendors or trackers, some page views of which report what its lists do not allow.
import { start } from './gate.js';
import { stopTrackers } from './trackers.js';
import { tell } from './vendors.js';
import { watch } from './watching.js';

start(tell, stopTrackers);
watch();
