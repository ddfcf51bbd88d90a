// The script of a shop with rules by place.
import { start } from './gate.js';
import { config } from './site.js';
import { stopTrackers } from './trackers.js';
import { tell } from './vendors.js';

start(tell, config.trackers ? stopTrackers : () => {});
