"""Does a unit of a news article state anything at all? Bylines, credits, links and bare headings do not.

>>> has_proposition("الرياض - واس"), has_proposition("وصل الوفد إلى الرياض أمس.")
(False, True)

One small rule per kind of unit, and every rule asks for positive evidence: what no rule knows is
taken for a sentence, because a sentence passed over is worse than a byline judged.
"""

from __future__ import annotations

import re
from functools import lru_cache

from isnad.text import normalise_text


def has_proposition(sentence: str, *, position: int | None = None, total: int | None = None) -> bool:
    """False for a unit that says nothing: byline, dateline, signature, credit, link, heading, contact line.

    `position` is the place of the unit among the `total` sentences of the article's text, from 0;
    both are None for a title or a sentence on its own. Short headings are told only behind the first
    unit of a text, which may be its title.
    """
    text, verdict = _judged(sentence)
    if verdict is not None:
        return verdict
    words = _words(text)
    if position and total is not None:
        return not _is_heading(text, words)
    return not (_is_topic(text, words) or (total is not None and _is_first_line(text, words)))


@lru_cache(maxsize=8192)
def _judged(sentence: str) -> tuple[str, bool | None]:
    """The verdict; where it is None the place decides, and the sentence by the recipe `plain` stands before it.

    It is kept, because the same sentence is asked about with its place in the article and, by a classifier, without.
    """
    text = normalise_text(sentence, "plain")
    words = _words(text)
    if not _is_arabic(text, words) or _is_initials(words):
        return "", False
    if len(text) > _LONGEST_LINE:
        return "", True
    if _LINK.match(text) or _is_contact(text, words):
        return "", False
    if len(words) > _LONGEST or text.rstrip(' "').endswith(("؟", "?")):
        return "", True
    if _is_credit(text, words) or _is_dateline(words) or _is_byline(text, words) or _is_names(text, words):
        return "", False
    return text, None


def _words(text: str) -> list[str]:
    return _WORDS.findall(_PLACEHOLDERS.sub(" ", text) if "[" in text else text)


# --- words, as the recipe `plain` leaves them: one alef, one yeh --------------------------------


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LONGEST_LINE = 500  # characters; no link or contact line is longer
_LONGEST = 14  # words; a longer unit says something unless it is a link or a contact line

_AGENCIES = _set(
    "واس وام وكالات الوكالات رويترز الاناضول سبوتنيك شينخوا بترا كونا قنا بنا سانا وفا تاس انسا افي واع ريا نوفوستي"
    " متابعات متابعة خاص وكالة الانباء الفرنسية الالمانية برس اسوشيتد فرانس صحيفة صحف بي بي سي سكاي نيوز"
    " العربية ارشيف ارشيفية افب دبا مراسل مراسلنا مراسلتنا المراسل الصحيفة المصدر التحرير"
    " تلفزيون قناة اذاعة موقع عين اليوم"
)
_SPELT = _set("يو بي اي اف سي دي اس ان ام جي تي ار ال او كيو اتش")  # Latin initials spelt in Arabic
_PLACES = _set(
    "الرياض جدة مكة المكرمة المدينة المنورة الدمام الخبر الطائف تبوك ابها نجران جازان حائل القصيم بريدة الباحة الاحساء"
    " عرعر سكاكا الجبيل ينبع دبي ابوظبي ابو ظبي الشارقة عجمان العين الفجيرة الدوحة المنامة الكويت مسقط صنعاء عدن تعز"
    " القاهرة الاسكندرية الجيزة بيروت دمشق حلب حمص بغداد اربيل البصرة الموصل عمان القدس غزة رام الله نابلس الخليل"
    " تونس صفاقس سوسة الرباط الدار البيضاء مراكش فاس طنجة الجزائر وهران طرابلس بنغازي الخرطوم نواكشوط مقديشو جيبوتي"
    " لندن باريس برلين روما مدريد بروكسل جنيف فيينا موسكو انقرة اسطنبول طهران كابول اسلام اباد نيودلهي بكين طوكيو"
    " سيول جاكرتا كوالالمبور سنغافورة واشنطن نيويورك اثينا لاهاي كييف وارسو استوكهولم اوسلو تركيا سوريا لبنان مصر"
)
_DATES = _set(
    "يناير فبراير مارس ابريل مايو يونيو يوليو اغسطس سبتمبر اكتوبر نوفمبر ديسمبر جانفي فيفري افريل ماي جوان جويلية اوت"
    " كانون شباط اذار نيسان ايار حزيران تموز اب ايلول تشرين الاول الثاني محرم صفر ربيع جمادي رجب شعبان رمضان شوال"
    " القعدة الحجة ذو ذي الاحد الاثنين الثلاثاء الاربعاء الخميس الجمعة السبت الموافق هـ ه م يوم الاخر الاخرة"
)
_NAMES = _set(
    "محمد احمد محمود مصطفي علي حسن حسين عمر عثمان خالد سعد سعيد سالم سليم سلطان سلمان سليمان فهد فيصل فواز فارس عبدالله"
    " عبدالرحمن عبدالعزيز عبدالكريم عبدالمجيد عبدالسلام عبدالحميد عبدالوهاب عبدالرحيم عبد يوسف ابراهيم اسماعيل اسحاق"
    " موسي عيسي داود زكريا يحيي ناصر منصور ماجد مازن مروان معاذ نايف نواف نبيل نزار هاني هشام هيثم وليد وائل ياسر ياسين"
    " طارق طلال عادل عامر عماد عصام غازي غسان كمال كريم لؤي جمال جابر جاسم حامد حمد حمود حاتم حازم رامي رائد رشيد راشد"
    " زياد زهير سامي سامر سمير شريف صالح صلاح ضياء بدر بندر بسام باسم بلال انس اسامة امين امجد ايمن اشرف تركي ثامر"
    " مشعل مشاري متعب معتز منير مهند مؤيد فؤاد فادي قاسم رضا رمزي رياض شادي مسلم"
    " فاطمة عائشة خديجة مريم زينب نورة نوره سارة هدي هند هيفاء هاجر هناء حنان منال مني مها نهي نجلاء نوال ليلي لينا"
    " تقوي يونس لبني لطيفة ريم رنا رانيا رشا ايمان اسماء امل امينة ايناس داليا دينا دعاء سلوي سميرة سعاد سهام عبير"
    " عفاف غادة"
)
_NAME_PARTS = _set("بن ابن بنت ابو ام ال عبد الله الرحمن العزيز الدين")
_PARTICLES = _set(
    "ان انه انها لا لم لن قد لقد هل ما ليس ليست كان كانت لو اذا لكن هو هي هم هذا هذه هناك كل"
    " قال قالت قتل قتلت اصيب توفي فاز فازت خسر اعلن اعلنت اكد اكدت نفي نفت وصل وصلت بدا بدات انتهي انتهت وقع وقعت جاء"
    " دعا طالب حذر كشف كشفت شهد شهدت عاد عادت قرر قررت تم تمت جري جرت اصبح صار ظل مات ولد حصل حصلت ادان سجل نجح فشل"
    " ارتفع ارتفعت انخفض انخفضت تراجع تراجعت بلغ بلغت استقال افتتح انطلق انطلقت غادر زار التقي استقبل اطلق اطلقت نشر"
    " اوضح اوضحت اضاف اضافت ذكر ذكرت اشار اشارت تابع تابعت صرح صرحت شدد شددت لفت لفتت افاد افادت راي اعتبر بين ختم"
    " رحل رحلت سقط سقطت هرب نجا نجت انهار انهارت غرق غرقت خرج خرجت دخل رفضت وافق وافقت هزم عزل اقال اعتقل اوقف افرج"
    " هاجم قصفت دمر احرق اغلق اغلقت فتح الغي الغيت مدد اقرت صادق هبط هبطت صعدت"
    " نعم شكرا تهانينا وداعا مبروك"
)
_NO_VERBS = _AGENCIES | _PLACES | _DATES | _NAMES  # «تلفزيون» and «ياسر» look like verbs
_HONORIFICS = _set(
    "الامير الاميرة الشيخ الشيخة الملك الدكتور الدكتورة المهندس المهندسة اللواء العميد العقيد الاستاذ الاستاذة"
    " السيد السيدة السفير النائب القاضي المحامي الفنان الفنانة الشاعر الكاتب"
)
_ROLES = _set(
    "استاذ استاذة مدير مديرة رئيس رئيسة عضو خبير خبيرة كاتب كاتبة باحث باحثة شاعر شاعرة صحافي صحفي صحافية صحفية محاضر"
    " استشاري استشارية مستشار مستشارة مشرف مفتي قاضي اديب روائي ناقد محلل اكاديمي"
)
_SECTIONS = _set(
    "اخبار الاخبار رياضة الرياضة اقتصاد الاقتصاد محليات المحليات سياسة ثقافة الثقافة منوعات حوادث الرئيسية الصفحة راي"
    " مقالات تحقيقات تقارير عالمية عربية دولية محلية وفنون فنون صحة تكنولوجيا علوم كاريكاتير افتتاحية يتبع تتمة انتهي"
)

# --- patterns -----------------------------------------------------------------------------------

_WORDS = re.compile(r"[^\W\d_]+|[0-9]+")
_PLACEHOLDERS = re.compile(r"\[(?:رابط|بريد|مستخدم)\]")
_ARABIC = re.compile("[ء-ي]")
_LETTERS = re.compile(r"[^\W\d_]")
_EDGE = r'^[\s"*•\-/|(\[>.]*'
_LINK = re.compile(
    rf"{_EDGE}(?:(?:اقرا|اقراي|شاهد|طالع|انظر|تابع|اقرؤوا|شاهدوا)(?: \w+)? (?:ايضا|كذلك)\b"
    r"|(?:اقرا|لقراءة|لمزيد من|لمتابعة|للمزيد من)(?: \w+)? (?:المزيد|التفاصيل|الاخبار|المقال)\b"
    r"|(?:مقالات|مواضيع|موضوعات|اخبار|مواد|روابط|قصص) (?:اخري للكاتب|ذات صلة|متعلقة|مشابهة|مرتبطة)"
    r"|للمزيد\s*[:.…]|المزيد\s*[:.…]|المزيد من التفاصيل\b|ذات صلة\b|شاهد الفيديو\W*$"
    r"|(?:تابعونا|تابعنا|انضموا الينا|اشترك|اشتركوا) (?:علي|عبر|في)\b"
    r"|(?:شارك|انشر|ارسل|اطبع)(?: هذا| هذه)? (?:الخبر|المقال|المقالة|الموضوع|الصفحة|علي فيسبوك|علي تويتر|عبر واتساب)\b)"
)
_CODE = re.compile(r"(?:ب|ال)رمز \S+ (?:ثم )?مسافة|مسافة ثم (?:نص )?الرسالة|\bثم مسافة\b")
_CONTACT = re.compile(
    r"\W*للتواصل\b.*(?:ارسل|رسالة|sms|SMS|هاتف|جوال|واتساب)"
    r"|\W*(?:هاتف|تليفون|جوال|فاكس|ص ?\.? ?ب|موبايل|واتساب|البريد الالكتروني|ايميل|بريد الكتروني)\s*[:/\-\d]"
    r"|\W*(?:صوت|صوتوا|شارك|شاركوا) (?:الان|معنا|في الاستطلاع|في استطلاع)\b|\W*(?:عدد المصوتين|نتيجة الاستطلاع)\b"
)
_HOLDS_CONTACT = re.compile(r"\[(?:بريد|رابط|مستخدم)\]|(?<![0-9])[0-9]{5,12} ?-? ?\w{0,20}$")
_CREDIT = re.compile(
    rf"{_EDGE}(?:(?:المصدر|الصورة|صورة|تصوير|عدسة|المصور)\s*[:(/\-]"
    r"|(?:نقلا عن|ترجمة|عن) (?:صحيفة|موقع|وكالة|جريدة|مجلة|قناة)\b|(?:من|عن) (?:كتاب|مقال|مجلة)\b)"
)
_PICTURE = re.compile(
    rf"{_EDGE}(?:(?:ال)?صورة (?:ال)?(?:توضيحية|ارشيفية|تعبيرية|جماعية|تذكارية|من الارشيف)"
    r"|(?:جانب|لقطة) من (?:ال)?\w+|\w+ (?:\w+ )?في (?:صورة|لقطة) (?:جماعية|تذكارية|ارشيفية)"
    r"|من (?:ورشة|حفل|لقاء|معرض|فعاليات|مباراة|جلسات?) (?:ال)?\w+)(?:\W|\b\w\b)*$"
)
_BYLINE = re.compile(
    rf"{_EDGE}(?:(?:كتب|كتبت|كتبه|كتبها|اعداد|اعده|متابعة|متابعات|ترجمة|تحرير|حوار|حاوره|حاورته|حاورها|تغطية|تحقيق"
    r"|اجري الحوار|مراسل\w*)\s*[:/\-ـ]|(?:بقلم|بعدسة)\b)"
)
_TITLE_OF_A_PERSON = re.compile(rf"{_EDGE}(?:ا\. ?د|د|م|ا)\s*[./]\s*\w")
_TOPIC = re.compile(
    rf"{_EDGE}(?:طقس|حالة الطقس|مواعيد|مواقيت|جدول|نصائح|تردد قناة|وصفة|طريقة عمل|الجديد بخصوص"
    r"|نتائج (?:قرعة|مباريات|الجولة|سحب)|برنامج (?:مباريات|الجولة|مباراة)|تشكيلة)\b"
)
_DASH = re.compile(r"\s*[-|/]\s*")
_STOP = re.compile(r'[.!…،؛:]\W*$|"$')
_IMPERFECT = re.compile("^[وف]?س?[يتن][ء-ي]{3,}$")
_EVENT = re.compile("^(?:است|[اإ]..?ت|ان...|ا.ت.ا.|ت..ي.|ت.[اء].|ا..ا.$|ا..ا.ة$|م.ت.$|وفاة|وصول|م..ل$|رحيل|فوز|سقوط)")


# --- rules --------------------------------------------------------------------------------------


def _is_arabic(text: str, words: list[str]) -> bool:
    """Most letters are Arabic, or there are words enough around the names of medicines and channels."""
    if sum(bool(_ARABIC.match(w)) for w in words) > 4:
        return True
    bare = _PLACEHOLDERS.sub("", text)
    return 2 * len(_ARABIC.findall(bare)) > len(_LETTERS.findall(bare))


def _is_initials(words: list[str]) -> bool:
    """«أ ف ب», «د.ب.أ», «يو بي آي»: letters and spelt letters, and the agencies among them."""
    return len(words) <= 8 and all(len(w) == 1 or w in _SPELT or w in _AGENCIES for w in words)


def _is_contact(text: str, words: list[str]) -> bool:
    """A number to call, a code to send, an address."""
    if _CONTACT.match(text) or ("مسافة" in text and _CODE.search(text)):
        return True
    return len(words) <= 6 and bool(_HOLDS_CONTACT.search(text))


def _says_something(words: list[str]) -> bool:
    """A verb or a particle that only stands in sentences."""
    return any(_is_particle(w) or (_IMPERFECT.match(w) and w not in _NO_VERBS) for w in words)


def _is_nominal(words: list[str]) -> bool:
    """«الوضع صعب»: a definite word and an indefinite one."""
    return len(words) == 2 and words[0].startswith("ال") and not words[1].startswith(("ال", "وال"))


def _is_particle(word: str) -> bool:
    return word in _PARTICLES or (word[:1] in ("و", "ف") and word[1:] in _PARTICLES)


def _is_credit(text: str, words: list[str]) -> bool:
    """«(صورة أرشيفية)», «المصدر: رويترز», «جانب من الحضور»."""
    if len(words) > 10 or any(_is_particle(w) for w in words[1:]):
        return False
    return bool(_PICTURE.match(text)) or (bool(_CREDIT.match(text)) and not _says_something(words[1:]))


def _is_dateline(words: list[str]) -> bool:
    """A place or two, a date, an agency, and nothing else."""
    words = [w for w in words if _ARABIC.match(w) or w.isdigit()]
    known = [w.isdigit() or w in _DATES or w in _PLACES or w in _AGENCIES or len(w) == 1 for w in words]
    has_date = any(w in _DATES for w in words) and any(w.isdigit() for w in words)
    if all(known):
        return has_date or len(words) <= 6
    return has_date and words[-1] in _AGENCIES and sum(known) >= len(words) - 2


def _is_byline(text: str, words: list[str]) -> bool:
    """«كتب: فلان», «فلان – المدينة», «متابعة – فلان – جهة», «د. فلان الفلاني»."""
    if _STOP.search(text) or any(w.isdigit() for w in words):
        return False
    arabic = [w for w in words if _ARABIC.match(w)]
    if _BYLINE.match(text):
        return len(arabic) <= 8 and not _says_something(arabic[1:])
    if _says_something(arabic):
        return False
    if _TITLE_OF_A_PERSON.match(text):
        return len(arabic) <= 6
    parts = [_WORDS.findall(part) for part in _DASH.split(text)]
    if len(parts) < 2 or len(arabic) > 9 or any(len(part) > 5 for part in parts):
        return False
    return any(part and all(w in _PLACES or w in _AGENCIES for w in part) for part in parts)


def _is_names(text: str, words: list[str]) -> bool:
    """A name on its own, or names in a row."""
    if ":" in text or any(w.isdigit() for w in words) or _says_something(words[1:]):
        return False
    parts = [_WORDS.findall(part) for part in re.split(r"[،,\-/]| و(?=[ء-ي])", text.rstrip(" ."))]
    named = [part for part in parts if part]
    return all(_is_name(part) for part in named)


def _is_name(words: list[str]) -> bool:
    rank = next((i for i, w in enumerate(words) if len(w) > 1 and w not in _HONORIFICS), 0)
    name = words[rank:]
    rest_fits = all(w in _NAMES or w in _NAME_PARTS or w.startswith("ال") for w in name[1:])
    return name[0] in _NAMES and rest_fits and 1 < len(words) <= 5


def _is_heading(text: str, words: list[str]) -> bool:
    """Inside an article: up to four words without verb, particle or stop; what the writer is; a section."""
    if all(w in _SECTIONS for w in words):
        return True
    if ":" in text[:-1] or (_STOP.search(text) and not text.endswith(":")):
        return False
    longest = 10 if text.startswith("*") or words[0] in _ROLES else 4  # below a column: who the writer is
    return len(words) <= longest and not _says_something(words) and not _is_nominal(words)


def _is_first_line(text: str, words: list[str]) -> bool:
    """Above an article: two short parts and a dash, a writer and a desk that no list knows."""
    parts = [[w for w in _WORDS.findall(part) if _ARABIC.match(w)] for part in re.split(r"\s+-|-\s+", text)]
    fits = len(parts) == 2 and all(0 < len(part) <= 3 for part in parts)
    return fits and not _STOP.search(text) and not _says_something(words)


def _is_topic(text: str, words: list[str]) -> bool:
    """A title of one word or two that names no event, the weather, a timetable; the name of a section."""
    if all(w in _SECTIONS for w in words):
        return True
    if _TOPIC.match(text) and not _says_something(words[1:]):
        return True
    if len(words) > 2 or _STOP.search(text) or _EVENT.match(words[0]):
        return False
    return not _says_something(words) and not _is_nominal(words)
