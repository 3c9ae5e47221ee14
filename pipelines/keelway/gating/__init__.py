"""How the gate judges: findings, policy results and exceptions against one rule. Pure."""
