"""Coverage-guided fuzzing of what reads strangers' bytes (atheris, libFuzzer): ``make fuzz``. Not part of the suite.

`targets` says what is fuzzed and what must hold; `run` does it, each target in a process of its own.
"""
