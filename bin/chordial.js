#!/usr/bin/env node
// The installed command: nothing here but the way to the built entry.
import '../dist/main.js';
