"""Questions that Chinese sentences answer, by the form of the sentence, as for English: few and sure rules.

    definition   X是一种……          X是什么, 什么是X, X是谁 (of a person)
    purpose      X用于……            X用来做什么
    reason       由于……，……；……是因为……   为什么……
    condition    如果……，……          如果……会怎样
    yes or no    X是……              X是……吗: answered by the sentence

Sentences may be in simplified or traditional characters; the questions keep the characters of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ingest.records import Span
from qa.training.mined_english import Mined

_SENTENCE = re.compile(r"[^。！？\n]+[。！？]")
_SUBJECT = r"(?P<subject>[《「“]?[^，。；：、（）()「」《》“”\s]{2,14}[》」”]?)"
_LATIN = r"(?:（(?P<aside>[^（）]{2,80})）|\((?P<bside>[^()]{2,80})\))?"
_DEFINITION = re.compile(
    rf"^{_SUBJECT}{_LATIN}(?:通常|一般)?(?P<verb>是指|指的是|是)(?P<answer>[^，。；：（）()]{{4,45}})(?=[，。；])"
)
_PURPOSE = re.compile(
    rf"^{_SUBJECT}{_LATIN}(?:主要|通常|常|可|可以|一般|被)*(?P<verb>用于|用來|用来|用作|用以|用於)(?P<answer>[^，。；（）()]{{3,40}})(?=[，。；])"
)
_REASON = re.compile(
    r"^(?:由于|由於|因為|因为)(?P<answer>[^，。；]{5,40})，"
    r"(?:(?:所以|因此|因而|故)(?P<rest>[^，。；]{5,30})(?=[，。；])|(?P<whole>[^，。；]{5,30})。$)"
)
_BECAUSE = re.compile(
    r"^(?P<rest>[^，。；]{5,30})，?(?:是因为|是因為|是由于|是由於)(?P<answer>[^，。；]{5,40})(?=[，。；])"
)
_CONDITION = re.compile(
    r"^(?:如果|若|假如|倘若|一旦)(?P<clause>[^，。；]{4,30})，(?:那么|那麼|则|則|就)?(?P<answer>[^。；]{5,60})(?=[。；])"
)
_VAGUE = re.compile(
    "[他她它牠這这其該该此彼]|我|你|本[片書书劇剧作曲]|上述|以下|自己|对方|對方|雙方|双方|當時|当时|之後|之后|其中|後者|前者"
)
_NOT_A_SUBJECT = re.compile(
    "^(?:而|但|並|并|也|又|就|都|於|于|在|從|从|由|以|因|如|若|雖|虽|當|当|對|对|與|与|和|及|或|有|不|沒|没|一般|通常|主要|目前|"
    "一定|必須|必须|應|应|要|古時|古时|現在|现在|同時|同时|另|最|更|很|第|大多|多數|多数|所有|部分|許多|许多|有些|無論|无论|不過|不过|只|可|能|会|會|將|将|被|"
    "原因|結果|结果|目的|問題|问题|特點|特点|方法|後|后|前|上|下|中|內|内|外|今|每|各|某|至|到|為|为|據|据|根|除|隨|随|使|"
    r"則|则|即|仍|還|还|再|曾|已|如今|然|故|所|人|當地|全|整|尤|甚|直|早|晚|\d)"
)
_ENDS_OPEN = re.compile(
    "(?:也|都|就|便|則|则|曾|曾經|曾经|還|还|又|不|並|并|原|原本|本|實|实|多|皆|均|只|即|卻|却|可|可以|應|应|認為|认为|表示|的|不仅|不僅|不但|仍|仍然|已|已經|已经|亦|乃|既|最初|後來|后来|如果|因为|因為|这|這|那|而|人们|通常|一般|其實|其实|主要|大多|最大|有的|年|月|日|以来|以來|總|总|正|更|確|确|算|才|或|尤其|特别|特別|于是|於是|计划|計劃|可能|必须|必須|必定|一定|才能|不能)$"
)
_PERSON = re.compile(
    "(?:"
    "人物|演員|演员|歌手|作家|詩人|诗人|政治家|政治人物|科學家|科学家|"
    "物理學家|物理学家|數學家|数学家|化學家|化学家|哲學家|哲学家|畫家|画家|"
    "音樂家|音乐家|作曲家|導演|导演|運動員|运动员|球員|球员|皇帝|國王|国王|"
    "將領|将领|官員|官员|教授|軍官|军官|大臣|僧人|主持人|記者|记者|教師|"
    "教师|建築師|建筑师|企業家|企业家|女王|公主|王子|選手|选手|教練|教练|"
    "領袖|领袖|之子|长子|長子|次子"
    ")$"
)
_NAME = re.compile(
    r"(?:英[語语文][：:]\s*)?"
    r"(?P<name>[A-Z][A-Za-z’'.-]+(?: (?:[A-Z][A-Za-z’'.-]*|of|the|and|de|von|van|la|du))*)"
    r"\s*(?:$|[，,；;、])"
)


def chinese_questions(text: str) -> Iterator[Mined]:
    """The questions that a text's sentences answer, in their order."""
    for match in _SENTENCE.finditer(text):
        lead = len(match.group()) - len(match.group().lstrip())
        sentence, start = match.group().strip(), match.start() + lead
        for rule in (_definition, _purpose, _reason, _condition, _yes_or_no):
            item = rule(sentence)
            if item is not None:
                place = Span(start=start + item.answer.start, end=start + item.answer.end)
                yield Mined(kind=item.kind, wordings=item.wordings, answer=place, name=item.name)


def latin_name(text: str) -> str:
    """The name in Latin letters in the brackets after a Chinese one, empty where there is none."""
    match = _NAME.match(text.strip())
    return "" if match is None else match["name"]


def _subject(match: re.Match[str]) -> str | None:
    subject = match["subject"].strip("「」“”")
    if _VAGUE.search(subject) or _NOT_A_SUBJECT.match(subject) or _ENDS_OPEN.search(subject):
        return None
    if re.search("[是有在把被將将讓让使會会]|[认認][为為]|表示|[曾獲获]", subject) or re.search(
        r"的.{0,2}$|[一-鿿]的[一-鿿]{1,6}的", subject
    ):
        return None
    return subject


def _made(kind: str, match: re.Match[str], wordings: Iterable[str], name: str = "") -> Mined | None:
    asked = tuple(dict.fromkeys(wordings))
    if any(_VAGUE.search(wording) for wording in asked):
        return None
    return Mined(
        kind=kind,
        wordings=asked,
        answer=Span(start=match.start("answer"), end=match.end("answer")),
        name=name,
    )


def _definition(sentence: str) -> Mined | None:
    match = _DEFINITION.match(sentence)
    subject = None if match is None else _subject(match)
    if match is None or subject is None or _VAGUE.search(match["answer"]):
        return None
    answer = match["answer"]
    kind_of = re.match("(?:一|[兩两二三四五六七八九十]|指|以|由|用)", answer) or answer.endswith(
        ("之一", "的总称", "的總稱")
    )
    named = match["aside"] or match["bside"] or _PERSON.search(answer) or match["verb"] != "是"
    if not (kind_of or named) or re.match(
        "(?:由于|由於|因|為了|为了|在|从|從|不|否|最|很|以[前後后]|一樣|一样|一致)", answer
    ):
        return None
    if answer[-1] in "上中下里內内後后成时時到入出" or re.match("(?:能|可|主要|位[于於])", answer):
        return None
    hant = bool(re.search("[個這為來國學說發種時會對開關與於體點間應實現當機產動後]", sentence))
    what = "什麼" if hant else "什么"
    name = latin_name(match["aside"] or match["bside"] or "")
    if _PERSON.search(answer) or "·" in subject or "‧" in subject:
        who = "誰" if hant else "谁"
        return _made(
            "definition",
            match,
            [
                f"{subject}是{who}？",
                f"{who}是{subject}",
                f"{subject}是什么人" if not hant else f"{subject}是什麼人？",
            ],
            name or " ",
        )
    asked = [
        f"{subject}是{what}？",
        f"{what}是{subject}？",
        f"{subject}是{what}",
        f"{what}是{subject}",
        f"何謂{subject}？" if hant else f"何谓{subject}？",
    ]
    if re.match("一[種种類类]|指|以", answer) or match["verb"] != "是":
        asked += [
            f"{subject}是{what}意思",
            f"{subject}指的是{what}？",
            f"{subject}的定義" if hant else f"{subject}的定义",
        ]
    return _made("definition", match, asked, name)


def _purpose(sentence: str) -> Mined | None:
    match = _PURPOSE.match(sentence)
    subject = None if match is None else _subject(match)
    if match is None or subject is None:
        return None
    hant = "麼" if re.search("[來於為個]", sentence) else "么"
    asked = [
        f"{subject}用来做什么？" if hant == "么" else f"{subject}用來做什麼？",
        f"{subject}有什{hant}用？",
        f"{subject}的用途是什{hant}？",
        f"{subject}的用途",
    ]
    return _made("purpose", match, asked)


def _reason(sentence: str) -> Mined | None:
    match = _REASON.match(sentence) or _BECAUSE.match(sentence)
    if match is None:
        return None
    rest = match.groupdict().get("whole") or match["rest"]
    if _VAGUE.search(rest) or _VAGUE.search(match["answer"]):
        return None
    if re.search("[年月日世紀纪代時时的]$|一[样樣般]$|^[^一-鿿]|可能$", rest) or re.match(
        "(?:使|導致|导致|因此|所以|而|但|也|並|并|之所以|於是|于是|因而|令|讓|让|在|更|又|都|就|不|只)", rest
    ):
        return None
    why = "為什麼" if re.search("[為個來時國會這對發學]", sentence) else "为什么"
    return _made(
        "reason",
        match,
        [f"{why}{rest}？", f"{why}{rest}", f"{rest}的原因是什{'麼' if why[0] == '為' else '么'}？"],
    )


def _condition(sentence: str) -> Mined | None:
    match = _CONDITION.match(sentence)
    if match is None or _VAGUE.search(match["clause"]) or _VAGUE.search(match["answer"][:6]):
        return None
    clause = match["clause"].removesuffix("時").removesuffix("时")
    if clause[0] in "以是由":
        return None
    hant = bool(re.search("[為個來時國會這對發學則]", sentence))
    return _made(
        "condition",
        match,
        [
            f"如果{clause}，會怎樣？" if hant else f"如果{clause}，会怎样？",
            f"如果{clause}會怎麼樣" if hant else f"如果{clause}会怎么样",
            f"{clause}時會怎樣？" if hant else f"{clause}时会怎样？",
        ],
    )


def _yes_or_no(sentence: str) -> Mined | None:
    match = re.match(
        rf"^{_SUBJECT}(?P<verb>是|可以|能夠|能够|屬於|属于|位於|位于|不是|不能|包括)(?P<answer>[^，。；：（）()]{{3,24}})。$",
        sentence,
    )
    subject = None if match is None else _subject(match)
    if match is None or subject is None or re.search("[嗎吗呢]$|由于|由於|因[為为]", match["answer"]):
        return None
    hant = bool(re.search("[為個來時國會這對發學]", sentence))
    verb = match["verb"].removeprefix("不")
    asked = (
        f"{subject}{verb}{match['answer']}{'嗎' if hant else '吗'}？",
        f"{subject}是不是{match['answer']}？" if verb == "是" else f"{subject}{verb}{match['answer']}吗",
    )
    if any(_VAGUE.search(wording) for wording in asked):
        return None
    return Mined(kind="yesno", wordings=asked, answer=Span(start=0, end=len(sentence) - 1))
