"""The state behind limits and budgets: one small object per rule and scope instance.

All amounts and times are integers (tokens, nano-dollars, milliseconds), so nothing is ever lost to
rounding. Nothing here awaits, which is what makes a check and its reservation one step.
"""
