"""What every adapter needs of the application it is in: its settings, and wiring at first use.

The law of this folder: no framework. What is decided here is decided before the first request, for all frameworks
alike; an adapter says only where its settings stand and in which words to ask for them.
"""
