"""One module an external tool: command lines out, text in; nothing here runs anything."""
