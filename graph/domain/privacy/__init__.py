"""Privacy: what an erasure or retention leaves of the history, the plan of an erasure, and the gate at intake."""
