"""The command line: asks the steps, says what came of it, and computes nothing itself."""
