"""Packs: a country, a city or a company as data. Find, read, overlay, check, resolve by date and place.

`load.load_pack` gives the resolved `anlan.model.pack.Pack` or every fault at once; `check.check` adds
what is too slow for every start (geometry) and the warnings; `resolve` answers who may and who must.
"""
