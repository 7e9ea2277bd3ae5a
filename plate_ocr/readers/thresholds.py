"""How confident readings of plates must be, 0..1: every bound that does not stand in a model's card."""

REREAD_BELOW = 0.9
"""Plates with a character below this confidence are read again, from a tighter or an unrectified crop, or
with three lines rearranged."""

SURE_CHAR = 0.8
"""Of two readings of one plate, the one with more characters of at least this confidence is kept; a place is
not looked at again where no character of what was read there is below it."""

MIN_PHOTO_CONFIDENCE = 0.9
"""Least mean confidence of what is read in a photo, where signs and stickers are taken for plates."""

SHORT_LENGTH, MIN_SHORT_CONFIDENCE = 3, 0.97
"""Texts of fewer characters need this mean confidence in a photo, as badges and lamps read so."""

TURNED_BELOW, TURNED_MARGIN, TURNED_DOUBT = 0.985, 0.004, 0.5
"""A plate with a character below the first is read upside down too. Where that reading, look-alikes counted
as one, is more confident by the second and leaves at most this part of the doubt, the plate hangs upside down
and is not reported, unless this is only a part of the same text turned: what it lacks tells the top."""

MIN_WEAK_CONFIDENCE, MAX_WEAK_TURNED = 0.98, 0.95
"""Where nothing else was read in a photo, what was detected below the detector's minimum score is a plate if
it has :data:`SHORT_LENGTH` characters, its mean confidence is at least the first, no character is below
:data:`REREAD_BELOW` and the mean of what is read of it upside down is below the second."""
