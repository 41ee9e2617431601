"""Words that tell a sentence's end from an abbreviation, a pause or a quotation that goes on.

All words as the recipe `plain` leaves them: one alef, one yeh, no tashkeel.

>>> is_abbreviation("ا.ف.ب"), is_abbreviation("البيت"), is_saying("فاجابه")
(True, False, True)
"""

from __future__ import annotations

from isnad.letters import is_arabic


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- verbs of saying and what follows a quotation -----------------------------------------------

_SAID = _words(
    "قال قالت قالوا اضاف اضافت تابع تابعت اكد اكدت اوضح اوضحت صرح صرحت ذكر ذكرت كتب كتبت علق علقت رد ردت زاد زادت ختم"
    " اختتم استطرد غرد غردت اعلن اعلنت شدد شددت اشار اشارت لفت لفتت تساءل تساءلت يقول تقول"
    " يضيف تضيف يؤكد تؤكد يوضح يشير"
)
_SAYING = _SAID | _words(
    "سال سالت يسال يتساءل هتف هتفت صرخ صرخت صاح صاحت همس همست اجاب اجابت يتابع يعلق يكتب يرد يصرح تمتم تمتمت غمغم غمغمت"
    " ردد رددت يردد تردد يهتف تهتف يصرخ تصرخ يصيح تصيح يهمس تهمس يجيب تجيب يشرح تشرح يروي تروي يحكي تحكي نادي نادت"
)
GOING_ON = _words(
    "بحسب حسب وفق وفقا نقلا طبقا حسبما هكذا بهذه بهذا بتلك بذلك علي في من عن الي ثم الذي التي الذين قائلا قائلة"
    " مشيرا مضيفا مؤكدا موضحا لافتا معتبرا متسائلا مشددا معلقا مستطردا مشيرة مضيفة مؤكدة موضحة معتبرة متسائلة"
    " ليست ليس هو هي كان كانت عبارة هذا فلم فلن فما فكان"
)
AS_QUOTED = _words(  # «…» كما ورد في البيان
    "ورد وردت جاء جاءت قال قالت يقول تقول وصف وصفه وصفها وصفته وصفتها سماه سماها سمته سمتها يسميه يسميها هو هي"
    " كتب كتبت يري تري يحب تحب نقل نقلت روي روت"
)

# --- how sentences begin and how they go on -----------------------------------------------------

# They open a sentence even where the stop before them might be none (abbreviation, ellipsis, question in quotes).
_OPENING = frozenset("و" + word for word in _SAID) | _words(
    "اما لكن كما يذكر يشار وقد ولقد وكان وكانت وفي ومن وعن وعلي والي وهو وهي وهذا وهذه وذلك وكذلك واما ولكن ولم ولن"
    " ولا وليس وليست وبين وبينت وافاد وافادت ونقل ونقلت ونفي ونفت وراي ورات واعتبر واعتبرت ودعا ودعت وطالب وطالبت وحذر"
    " وحذرت وكشف وكشفت وجاء وجاءت وياتي وتاتي ويذكر وتجدر ويشار وتوقع وتوقعت وتعهد واستقبل والتقي وشارك وشاركت وحضر"
    " ووصل ووصلت وانتهي وانتهت وبدا وبدات وبلغ وبلغت واكتفي"
)
DEPENDENT = _words(  # behind dots no sentence begins with them
    "ثم او ام بل لكن حتي ان الي من في علي عن مع لا لم لن ليس الا اذ كي لكي الخ الامر خاصة خصوصا حيث مما بما لما بينما"
    " سواء لان لانه لانها انه انها انهم اي رغم لولا باستثناء سوي الذي التي الذين داعيا داعية"
    " قائلا مشيرا مضيفا مؤكدا موضحا لافتا معتبرا متسائلا مشددا معلقا مشيرة مضيفة مؤكدة موضحة معتبرة"
)
_PREPOSITIONS = _words("من في علي الي عن")
_TURNS = _words(  # behind a preposition they open a sentence: «من جهته»، «في المقابل»
    "جهة جهته جهتها جهتهم جانبه جانبها جانبهم ناحية ناحيته ناحيتها المقابل حين سياق الاثناء صعيد صعيده"
    " المنتظر المتوقع المقرر المرجح المعروف المعلوم المؤكد"
)
QUANTIFIED = _PREPOSITIONS | _words("فقط اخري اخر تقريبا مقابل بين")  # «5 كم. فقط»
_ASKING = _words("من ما هل كيف متي اين لماذا ماذا كم بماذا")
SHORT_WORDS = _words("من في لا لم لن ما قد هل ان كل هو هي")

# --- abbreviations and names --------------------------------------------------------------------

MEASURES = _words("كم كلم كغ كلغ كجم ملم سم مم ملغ ملل")
LABELLED = _words("فيتامين الفيتامين وفيتامين المجموعة الفئة الدرجة النوع النموذج الحرف")  # «فيتامين د» is no title
_LOUD_NAMES = _words("ياهو yahoo")  # companies that write themselves with «!»
WEB_ENDINGS = _words("كوم اورغ اورج")
_JOINED_TITLES = _words("ود وم وا لد بد الد")
_SPELT = _words("جي دي بي سي تي يو اف اس ام ار اتش كيه دبليو")  # Latin initials: «جورج دبليو . بوش»
_LATIN_SHORT = _words("mr mrs ms dr prof st vs no jr sr gen col lt sgt capt rev fig inc ltd co corp")


def is_abbreviation(token: str) -> bool:
    """«د»، «ود»، «أ.ف.ب»، «ق.م»، J, U.S, Dr."""
    parts = token.strip(".").split(".")
    if len(parts) > 1:
        return all(len(part) <= 2 for part in parts)
    word = parts[0]
    bare = word[1:] if word[:1] == "و" else word
    is_initial = len(word) == 1 and (is_arabic(word) or word.isupper())
    return is_initial or word in _SPELT or bare in _SPELT or word in _JOINED_TITLES or word.lower() in _LATIN_SHORT


def is_saying(word: str) -> bool:
    """«قال»، «فأجاب»، «سأله»."""
    bare = word[1:] if word[:1] == "ف" else word
    return any(bare.removesuffix(ending) in _SAYING for ending in ("", "ه", "ها", "هم"))


def is_opening(word: str, second: str) -> bool:
    """«لكن»، «وقال»، «من جهته»، «في المقابل»: a sentence begins here."""
    return word in _OPENING or (word in _PREPOSITIONS and second in _TURNS)


def is_asking(word: str) -> bool:
    """«هل»، «فمن»."""
    return word in _ASKING or (word[:1] in ("و", "ف") and word[1:] in _ASKING)


def is_loud_name(word: str) -> bool:
    """«ياهو»، «لياهو», Yahoo."""
    return word.lower() in _LOUD_NAMES or word[1:] in _LOUD_NAMES
