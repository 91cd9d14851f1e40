"""One file for each thing a person sets out to do; the only code that combines authenticators and services.

The law of this folder: throttle before verify; hash, send and wait outside transactions; one transaction for what
succeeds, guarded by what was seen before it; the count and the audit entry of a refusal in transactions of their own,
so that they survive the rollback which the refusal causes.
"""
