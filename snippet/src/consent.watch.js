// The script of a shop without vendors and trackers, some page views of which report what its lists do not allow.
import { start } from './gate.js';
import { watch } from './watching.js';

start();
watch();
