"""Golden cases: what a user says and what must be true of the answer; runs, reports, the gate, differences."""
