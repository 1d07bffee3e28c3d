"""What compiled code and those who ask it say to each other: answers, and the columns of the tables that it
fills for a message."""

from __future__ import annotations

#: columns of an event, an element that was met: its name, where its text begins and ends, what stands in it
#: (of an enumeration the word, else flags of its text), and of a polygon with places that are not on the
#: earth where the first stands and how many there are
NAME, START, END, MARK, ASTRAY_FROM, ASTRAY = range(6)
COLUMNS = 6
#: flags of a text
ESCAPED, RETURNS, TRICK = 1, 2, 4
#: columns of a unit (the alert, an info, a resource, an area): what it is, its first event, the number of its
#: info, its own number there, what the screen found, and of an area how its ground is known and how many
#: geocodes it has
WHAT, FIRST, NUMBER, PLACED, FOUND, OUTCOME, CODES = range(7)
#: what is told of the whole: events, units, infos, where the walk ended, values left to look at; and by
#: the screen the worst outcome of areas, how many are to be looked at for their ground, and how many units
#: have something found
EVENTS, UNITS, INFOS, TAIL, DOUBTED, WORST, ODD, FLAGGED = range(8)
#: the containers that are open: what each is, its name, the last place taken in it
OPEN_KIND, OPEN_NAME, OPEN_PLACE = 8, 14, 20
#: the values left to look at, each with its kind, and where it begins and ends; room for other things
DOUBTS, MOST_DOUBTS = 32, 256
ROOM = DOUBTS + 3 * MOST_DOUBTS
HEAD = ROOM + 16
#: answers
OTHERWISE, TAKEN, FULL = 0, 1, 2

#: what is found in a unit: nothing, something to look at, or this alone for certain: an area has nothing but
#: geocodes; some of its polygons have places that are not on the earth; an info asks to execute what it does
#: not tell
NOTHING, LOOK, AREA_CODED, AREA_ASTRAY, INFO_EXECUTE = range(5)
#: how the ground of an area is known: not told here; else as `anlan.formats.cap.ground.OUTCOMES` has it
UNTOLD, EXACT, CIRCLE, REPAIRED, UNRESOLVED = range(5)
#: the verdict on a polygon stands above the flags of its text
VERDICT = 4

#: more points than that are left to the geometry library, whose time does not grow with their square
MOST = 1024
UNDECIDED, SOUND, OUTSIDE = 0, 1, 2
TURNED, SWAPPED = 1, 2
#: rows of room for the points of a ring (latitudes, longitudes) and for the bounds of runs of its sides
ROWS = 6
