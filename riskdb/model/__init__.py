"""The vocabulary: every value that passes from one station to the next, frozen, without behaviour of its own.

Stations (ARCHITECTURE.md): hear -> decode -> recognise -> settle -> relate -> fail -> rank -> show.
`observation` holds the values of stations 1 and 2, `claim` of 3, `asset` of 4, `care` of 5,
`impact` and `scenario` of 6 and 7; `place` and `policy` hold what people declare.
"""
