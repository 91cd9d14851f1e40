"""One file for each way to prove who you are, all of one shape (`base.Authenticator`).

The law of this folder: an authenticator verifies one proof and says what it is worth. It knows nothing of attempts'
order, of policy or of sessions, and no authenticator imports another.
"""
