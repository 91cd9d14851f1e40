"""The JSON handlers: each reads a body, calls one flow and answers."""
