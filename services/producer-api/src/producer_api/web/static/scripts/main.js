// What every page has.
import "./times.js";
import "./live.js";
import "./actions.js";
import "./keys.js";
