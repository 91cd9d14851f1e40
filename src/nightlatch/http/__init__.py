"""The framework-neutral web layer: a `Request` goes in, a `Response` comes out.

The law of this folder: no framework, no store, no rule about who may sign in. Handlers read the body, call one flow
and answer.
"""
