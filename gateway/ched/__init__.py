"""CHEDs of an instance: the register in the TRACES role, the relay in the national one (Arts 36, 37, 40, 41, 46)."""
