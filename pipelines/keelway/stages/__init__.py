"""One module a stage: its Spec, what plans it, the stage. Stages do not know each other."""
