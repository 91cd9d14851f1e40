"""What the flows stand on: users, sessions, attempts, throttle, audit, outbox, the hashing pool, and the gate.

The law of this folder: a service knows records and the store, never a flow, an authenticator or a web request. It opens
a transaction only where its docstring says so; otherwise it works in the one that is open.
"""
