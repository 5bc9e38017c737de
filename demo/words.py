"""Word lists for the made-up people: names, streets, towns and telephone area codes."""


def _words(text: str, separator: str | None = None) -> tuple[str, ...]:
    """Return the words of a list, which is easier to read and mend as running text."""
    return tuple(text.split(separator))


FEMALE_NAMES = _words(
    "Abigail Alice Amanda Angela Ann Barbara Brenda Carol Christine Cynthia Deborah Diana Donna "
    "Elena Emily Frances Grace Hannah Heather Irene Jacqueline Janet Jessica Judith Julia Karen "
    "Kathleen Laura Lucía Margaret María Martha Megan Nicole Olivia Patricia Rachel Rosa Ruth "
    "Sandra Sarah Sofía Stephanie Susan Teresa Theresa Virginia Zoë"
)

MALE_NAMES = _words(
    "Aaron Adam Albert Andrew Anthony Arthur Benjamin Brian Bruce Carlos Charles Christopher "
    "Daniel David Dennis Douglas Edward Eric Eugene Frank Gary George Gregory Harold Henry Jack "
    "James Jason Jeffrey Jerry Jesús John José Joseph Kenneth Kevin Larry Louis Luis Mark Martin "
    "Matthew Michael Nathan Patrick Paul Peter Ralph Raymond Robert Roger Ryan Samuel Scott "
    "Stephen Thomas Timothy Walter William"
)

LAST_NAMES = _words(
    "Adams Allen Anderson Bailey Baker Barnes Bell Bennett Brooks Brown Campbell Carter Clark "
    "Collins Cook Cooper Cox Davis Díaz Edwards Evans Fisher Foster García Gómez Gray Green "
    "Hall Harris Hayes Hernández Hill Howard Hughes Jackson James Jenkins Johnson Jones Kelly King "
    "Lee Lewis Long López Martin Martínez Miller Mitchell Moore Morgan Morris Müller Murphy Myers "
    "Nelson Nguyen O'Brien O'Connor Parker Perry Peterson Phillips Powell Price Ramírez Reed "
    "Richardson Rivera Roberts Robinson Rogers Ross Russell Sánchez Sanders Schmidt Scott Smith "
    "Stewart Sullivan Taylor Thomas Thompson Torres Turner Walker Ward Watson White Williams "
    "Wilson Wood Wright Young"
)

STREETS = _words(
    "Maple St,Oak St,Main St,Cedar Ave,Elm St,Washington Ave,Lake Dr,Hill Rd,Park Ave,Walnut St,"
    "Church St,Highland Ave,Mill Rd,River Rd,Sunset Dr,Cherry Ln,Vine St,Ridge Rd,Franklin St,"
    "Spring St,Chestnut St,Locust St,Meadow Ln,Poplar St,College Ave,Linden Ct,Birch Way,"
    "Orchard Ln,Jefferson St,Garfield Pl",
    separator=",",
)

# City, state, and the first three digits of the postal codes there.
TOWNS: tuple[tuple[str, str, str], ...] = (
    ("Cincinnati", "OH", "452"),
    ("Columbus", "OH", "432"),
    ("Dayton", "OH", "454"),
    ("Toledo", "OH", "436"),
    ("Cleveland", "OH", "441"),
    ("Akron", "OH", "443"),
    ("Louisville", "KY", "402"),
    ("Lexington", "KY", "405"),
    ("Covington", "KY", "410"),
    ("Bowling Green", "KY", "421"),
    ("Owensboro", "KY", "423"),
    ("Indianapolis", "IN", "462"),
    ("Fort Wayne", "IN", "468"),
    ("South Bend", "IN", "466"),
    ("Evansville", "IN", "477"),
    ("Detroit", "MI", "482"),
    ("Grand Rapids", "MI", "495"),
    ("Lansing", "MI", "489"),
    ("Springfield", "IL", "627"),
    ("Peoria", "IL", "616"),
)

# Ohio, Kentucky, Indiana, Michigan, Illinois.
AREA_CODES = _words(
    "216 220 234 326 330 380 419 440 513 567 614 740 937 270 364 502 606 859 219 260 317 463 574 "
    "765 812 930 231 248 269 313 517 586 616 734 810 906 947 989 217 309"
)
