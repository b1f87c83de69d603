"""A model that gives written answers, good and bad ones, for what an agent makes of them: `python -m tools.scripted_answers`."""
