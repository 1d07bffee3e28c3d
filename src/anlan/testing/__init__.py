"""For authors of packs and plug-ins: the batteries and tools that anlan tests itself with."""
