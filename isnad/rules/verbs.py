"""Verbs of saying, denying, expecting: one line each, four stems and what the verb needs.

Columns: perfect, imperfect, active participle, masdar, needs. «-» leaves a stem out (because its
forms mean something else too often); a participle in ٍ is defective («نافٍ»); several shapes are
joined by «/». The needs name what has to follow before the word counts as a cue (`needs.NEEDS`).
"""

from __future__ import annotations

SAY = """
قال يقول قائل - .
أعلن يعلن معلن - .
أكد يؤكد مؤكد - .
أضاف يضيف مضيف - content|vso,plain
أوضح يوضح موضح - .
ذكر يذكر ذاكر - content|vso
ذكر - مذكر - content|b,plain
رد يرد راد - quote,plain
أشار يشير مشير - ila|content|vso,plain
صرح يصرح مصرح - .,plain
كشف يكشف كاشف - an|content|vso
أفاد يفيد مفيد - content|vso
أخبر يخبر مخبر - .
أبلغ يبلغ مبلغ - an|content
لفت يلفت لافت - ila|content|vso,plain
نوه ينوه منوه - content|b|ila|vso,plain
شدد يشدد مشدد - content|ala|vso,plain
بين يبين مبين - content,plain
أبان يبين - - content,plain
تابع يتابع متابع - quote
أردف يردف مردف - .,plain
استطرد يستطرد مستطرد - .,plain
استدرك يستدرك مستدرك - .,plain
زاد يزيد - - quote,plain
ختم يختم - - quote,plain
اختتم يختتم مختتم - quote,plain
أنهى ينهي - - quote,plain
واصل يواصل مواصل - quote,plain
علق يعلق معلق - ala|quote,plain
عقب يعقب معقب - content,plain
روى يروي - - content,plain
حكى يحكي - - content,plain
أورد يورد - - content|vso
أعرب يعرب معرب - .,plain
عبر يعبر معبر - an_,plain
أبدى يبدي مبد - .,plain
أفصح يفصح مفصح - .,plain
اعترف يعترف معترف - .,plain
أقر يقر مقر - content|b,plain
لاحظ يلاحظ ملاحظ - content
خلص يخلص - - ila|content,plain
استنتج يستنتج مستنتج - content
نبه ينبه منبه - content|ila|mn,plain
جدد يجدد مجدد - stance,plain
كرر يكرر مكرر - stance|content
أجاب يجيب مجيب - content,plain
ألمح يلمح ملمح - .,plain
لمح يلمح ملمح - content|ila,plain
تحدث يتحدث - - quote,plain
مضى يمضي - - quote,plain
أصر يصر مصر - ala|an,plain
جزم يجزم جازم - b|an,plain
كاشف - - - skip,plain
سأل يسأل سائل - content
غرد يغرد مغرد - .,plain
عزا يعزو عازٍ - .,plain
أرجع - مرجع - sabab
نقل ينقل ناقل - an_
نسب ينسب - - ila
زعم يزعم زاعم - .
ادعى يدعي مدعٍ - an|content
سرد يسرد - - .,plain
فسر يفسر مفسر - content|vso,plain
برر يبرر مبرر - .
علل يعلل معلل - .
ردد يردد مردد - content,plain
أشاع يشيع - - content,plain
استعرض - - - content,plain
شرح يشرح شارح - content|vso,plain
أسر - - - content,plain
باح - - - b,plain
اقتبس - - - content,plain
أجمع يجمع مجمع - ala|an,plain
أبرز يبرز مبرز - an,plain
لخص يلخص ملخص - content,plain
سجل - مسجل - an,plain
أنذر ينذر منذر - b|an,plain
لوح يلوح ملوح - b,plain
أقسم يقسم - - an|ala,plain
شهد - - - an,plain
جادل يجادل مجادل - content,plain
استشهد يستشهد مستشهد - b,plain
تبجح يتبجح متبجح - .,plain
استفسر يستفسر مستفسر - .,plain
استخلص يستخلص - - an,plain
أوجز يوجز موجز - content,plain
كتب يكتب كاتب - quote|content,plain
"""

OPINE = """
رأى يرى - - an|vso,plain
اعتبر يعتبر معتبر - vso|an
وصف يصف واصف - vso
اعتقد يعتقد معتقد - .,plain
ظن يظن ظان - content,plain
أيقن يوقن - - .,plain
أدرك يدرك مدرك - an,plain
آمن - - - skip,plain
شعر يشعر - - an,plain
شكا يشكو - - .
اشتكى يشتكي مشتك - .,plain
وجد - - - an,plain
علم - - - skip,plain
تصور يتصور - - an,plain
ارتأى يرتئي - - .,plain
قدر يقدر مقدر - an,plain
استغرب يستغرب مستغرب - .
تطلع يتطلع متطلع - ila|an,plain
ارتاب يرتاب مرتاب - .,plain
استبشر يستبشر مستبشر - .,plain
تأمل - - - an,plain
فضل يفضل مفضل - an,plain
جهل - - - an,plain
شكك يشكك مشكك - .,plain
قلل يقلل مقلل - mn,plain
أراد - - - skip
"""

CALL = """
دعا يدعو داعٍ - .
طالب يطالب مطالب - b|an
أدان يدين مدين - .
دان - - - .
ندد يندد مندد - .,plain
شجب يشجب شاجب - .
استنكر يستنكر مستنكر - .
استهجن يستهجن مستهجن - .
اتهم يتهم - - .
حذر يحذر محذر - mn|an|content|vso,plain
هدد يهدد مهدد - b|an
توعد يتوعد متوعد - .
تعهد يتعهد متعهد - .,plain
وعد - - - b|an
أشاد يشيد مشيد - b,plain
انتقد ينتقد منتقد - .
ثمن يثمن مثمن - vso
شكر يشكر شاكر - vso|ala
تمنى يتمنى متمنٍ - .
أمل يأمل آمل - an|fi|b,plain
ناشد يناشد مناشد - .
حث يحث حاث - ala|an|vso
أهاب يهيب مهيب - b,plain
رحب يرحب مرحب - b,plain
اقترح يقترح مقترح - .
أوصى يوصي موصٍ - .
نصح ينصح ناصح - .
طلب يطلب - - an|b
أيد يؤيد مؤيد - vso
عارض يعارض معارض - vso
رفض يرفض رافض - refusal
حمل يحمل محمل - blame
توسل يتوسل متوسل - .,plain
احتج يحتج محتج - ala,plain
لام يلوم - - skip
ألقى - - - blame,plain
سخر يسخر ساخر - mn,plain
هاجم - - - vso
استعطف يستعطف - - .
عاب - - - ala,plain
أثنى يثني - - ala,plain
امتدح يمتدح ممتدح - .
أطرى يطري - - ala,plain
وبخ يوبخ موبخ - .
عاتب يعاتب معاتب - .
استهزأ يستهزئ - - b,plain
ترحم - - - ala,plain
توسم يتوسم - - .,plain
اشترط يشترط مشترط - .,plain
ألح يلح - - ala|an,plain
نعى ينعى ناعٍ - .,plain
هنأ يهنئ مهنئ - .
بارك يبارك مبارك - vso
عزى يعزي معزٍ - .,plain
رجا يرجو راجٍ - an|mn,plain
التمس يلتمس ملتمس - .,plain
استنجد يستنجد مستنجد - b,plain
حرض يحرض محرض - ala,plain
أوعز - - - skip,plain
"""

FIND = """
أظهر يظهر مظهر - study
أثبت يثبت مثبت - study|an
بين يبين مبين - study
كشف يكشف كاشف - study
وجد - - - study
توصل - - - study,plain
أشار يشير مشير - study,plain
ذكر يذكر ذاكر - study
خلص يخلص - - study,plain
دل يدل - - study|ala,plain
نص ينص - - ala,plain
"""

DENY = """
نفى ينفي نافٍ - denial
فند يفند مفند - denial
دحض يدحض داحض - denial
أنكر ينكر منكر - denial
كذب يكذب مكذب - claim
تبرأ يتبرأ متبرئ - mn,plain
"""

EXPECT = """
توقع يتوقع متوقع - .
رجح يرجح مرجح - .
تنبأ يتنبأ متنبئ - .,plain
تكهن يتكهن متكهن - .,plain
خشي يخشى - - an|mn,plain
تخوف يتخوف متخوف - .,plain
احتمل يحتمل - - an
تساءل يتساءل متسائل - .,plain
توجس يتوجس متوجس - .,plain
خمن يخمن مخمن - .,plain
ارتقب يرتقب مرتقب - an,plain
"""

EXCLUDE = """
استبعد يستبعد مستبعد - .
"""

KINDS: dict[str, str] = {
    "say": SAY,
    "opine": OPINE,
    "call": CALL,
    "find": FIND,
    "deny": DENY,
    "expect": EXPECT,
    "exclude": EXCLUDE,
}

WORD_NEEDS: dict[str, str] = {
    "بين": "head_an",
    "عبر": "head_an_",
    "نقل": "head_an_",
    "يعتبر": "an_close",
    "تعتبر": "an_close",
    "كتب": "vso",
    "نصح": "vso",
    "علل": "vso",
    "يثبت": "an_close",
    "تثبت": "an_close",
    "طلب": "an_close",
    "يقدر": "an_close",
    "تقدر": "vso",
    "يدعي": "an",
    "حمل": "blame",
    "يحمل": "blame",
    "تحمل": "blame",
    "طالب": "head_b",
    "طالبت": "b",
    "وصف": "vso",
    "شكر": "vso",
    "ثمن": "vso",
    "قدر": "an",
    "يرجع": "skip",
}
"""Single forms that another word shares («بين» is mostly a preposition) and that need more than their verb does."""

HOMOGRAPHS = """
    يعد تعد بينهم بينها بينه بينهما بينهن بيننا عبره عبرها عبرت حذرا علما علمه ذكري ذكرا زعمه قولا رفضا دعوه
    دعاه طالبه طالبا طالبات طالبين مطالبه مطالبين مطالبات معارضه معارضين موقع م متهم متهمه متهمين معلقه مفيده
    ظاهره مظهره مظهرا حامله مراجعه مرجعا مرجعيه مقررا مقره مقرا ملاحظه شعره شعرا وجده علميا علمنا تبين رايه
    رايها رايهم رايا راينا رايت شكره شكرا شكرها املا امله املها املهم املنا امين دينا حثه كشفا كشفه كشفها وصفه
    وصفا قدره قدرها قدرا قدرت قدرات وعده وعدا وعدها وعدهم حمله حملات حملا حملها عقبه عقبا عقبات ختمه زاده
    زيده علقه ردده نصه نصها نصا نصوا دله دلا مزيد يزيد تزيد طلبه طلبا طلبها طلبهم طلبات نبهه تعهدا تعهده تعهدات
    اقتراحا امنا امنه امنها سخره عابه لامه سرده سردا شرحه شرحا ظنا ظنه مقدره مقدرا معلنه كاشفه كذبه كذبا هنا
    هناك هناكم هنات مظاهره ليله كتبه كتبها كتبهم كتبنا كاتبه كاتبا كاتبين مجمعه مجمعا مبارك مباركه مباركا موجزه
    مسجله مسجلين مفضله جمعه مدينه مدينا مدينين ابدا مبدا مبادئ اسره اسرت امن لامن اقره مصر مصره مصرا مصرين ناقله
    ناقلات نقله نقلها نقلهم سائله سائلا نسبه نسبها نسبا نسبته نسبتها مضيه كذبها منكره مبينه ثمنا ثمنه ثمنها
    اثبات مثبته مثبتا نفيس يوقن مشرف
"""
"""Forms that the paradigms yield and that are nearly always another word."""
