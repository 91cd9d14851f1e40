"""Pure parts: no I/O, no clock, no settings.

The law of this folder: what goes in comes in as an argument, what comes out is returned, and a proof that does not
hold raises. (Randomness from the operating system is the one thing taken from outside.)
"""
