"""An installation from a lock: choose what belongs into an environment, bring the wheels, put them in."""
