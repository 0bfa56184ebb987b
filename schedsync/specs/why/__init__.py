"""Why a schedule fires at a moment, or does not: which rule says so. Pure."""
