"""The functions of a Dagger module, called in this process: what `keelway call` does."""
