"""Every text of the page, in English and in Chinese: one table, and the way to say a line of it.

    say = Say("zh")
    say("nav.search")                -> "搜索"
    say.count("document", 1200)      -> "1,200 篇文档"

A key is AREA.NAME. What varies stands in braces, the same names in both languages; a noun that is counted has
the lines `count.NOUN.one` and `count.NOUN.other`. Lines are plain text: views escape them, and widgets that
read Markdown get none of it. The terminal speaks English and takes shared lines from here with `ENGLISH`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from ui.render.messages_languages import LANGUAGE_NAMES
from ui.render.messages_map import MAP
from ui.render.messages_work import WORK

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

TABLE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **WORK,
        **MAP,
        **LANGUAGE_NAMES,
        # what stands on every tab
        "frame.failed": ("That did not work", "未能完成"),
        "frame.loading": ("Loading the models …", "正在加载模型 ……"),
        "frame.other_language": ("中文", "English"),
        "frame.other_language_help": ("用中文显示界面", "Show the page in English"),
        "nav.ask": ("Ask", "提问"),
        "nav.search": ("Search", "搜索"),
        "nav.collection": ("Collection", "文档库"),
        "nav.document": ("Document", "文档"),
        "nav.questionnaire": ("Questionnaire", "问卷"),
        "nav.teach": ("Teach", "教导"),
        "nav.models": ("Models", "模型"),
        "nav.quality": ("Quality", "质量"),
        # the door, for a page that others can reach
        "door.lead": (
            "This collection is open to those who know its password.",
            "知道密码的人才能打开这个文档库。",
        ),
        "door.password": ("Password", "密码"),
        "door.open": ("Open", "打开"),
        "door.wrong": ("This is not the password.", "密码不正确。"),
        "door.hint": (
            "It was shown where `spanwise ui` was started.",
            "启动 `spanwise ui` 的终端里显示了密码。",
        ),
        # the question box and what stands below it
        "ask.question": ("Question", "问题"),
        "ask.placeholder": ("Ask your documents a question", "向您的文档提问"),
        "ask.button": ("Ask", "提问"),
        "ask.cut": (
            "The question was cut after {count} characters; put long texts into the collection.",
            "问题已在 {count} 个字符处截断；长文本请加入文档库。",
        ),
        "ask.reading": ("Reading the nearest passages …", "正在阅读最相关的段落 ……"),
        "ask.welcome": ("Ask in plain language", "用日常语言提问"),
        "ask.promise": (
            "You get the exact words of a document, where they stand, or an honest “no answer in here”.",
            "您会得到文档的原文和出处；若没有答案，也会如实告知。",
        ),
        "ask.nothing_yet": ("Nothing to ask yet", "还没有文档"),
        "ask.add_first": (
            "Open the tab Collection and add files or a folder.",
            "请打开“文档库”标签页，添加文件或文件夹。",
        ),
        "ask.try": ("Questions that this collection answers", "这个文档库能回答的问题"),
        "ask.looking_for_examples": ("Looking for questions to try …", "正在寻找可以试问的问题 ……"),
        # filters and settings
        "filter.where": ("Where to look", "查找范围"),
        "filter.where_chosen": ("Where to look ({count})", "查找范围（{count}）"),
        "filter.folder": ("Folder", "文件夹"),
        "filter.type": ("File type", "文件类型"),
        "filter.language": ("Language", "语言"),
        "filter.label": ("Label", "标签"),
        "filter.since": ("Changed since", "修改不早于"),
        "filter.until": ("Changed until", "修改不晚于"),
        "filter.all": ("all", "全部"),
        "filter.clear": ("Look everywhere", "取消全部筛选"),
        "filter.left": ("Looking in {documents} of {all}", "共 {all}，符合条件的 {documents}"),
        "filter.counts": (
            "Beside each value stand its documents and the passages found there for this question.",
            "每个值旁边是其文档数，以及这个问题在其中找到的段落数。",
        ),
        "filter.value": ("{value} ({documents})", "{value}（{documents}）"),
        "filter.value_found": (
            "{value} ({documents} · {found} found)",
            "{value}（{documents} · 找到 {found}）",
        ),
        "filter.how": ("How to read", "阅读方式"),
        "filter.passages": ("Passages to read", "阅读的段落数"),
        "filter.own_threshold": ("Set how sure an answer must be", "自定答案所需的把握"),
        "filter.own_threshold_help": ("Instead of what was fitted.", "代替拟合得到的阈值。"),
        "filter.threshold": ("Least confidence, in per cent", "最低把握（百分比）"),
        "filter.guess": ("Always show the best guess", "总是显示最佳猜测"),
        "filter.guess_help": (
            "Also where it is not sure enough to count.",
            "即使把握不足也显示。",
        ),
        # the history of a session
        "history.title": ("History", "历史"),
        "history.empty": ("What you ask in this session is listed here.", "本次会话中提过的问题会列在这里。"),
        "history.clear": ("Clear", "清空"),
        # answers
        "answer.answer": ("Answer", "答案"),
        "answer.guess": (
            "Best guess, not sure enough to count as an answer",
            "最佳猜测，把握不足，不算作答案",
        ),
        "answer.result": ("Result", "结果"),
        "answer.where": ("Where it stands", "出处"),
        "answer.others": ("Other answers", "其他答案"),
        "answer.also": ("The same answer also stands in", "同样的答案还见于"),
        "answer.also_more": ("and {count} more", "以及另外 {count} 处"),
        "answer.see": ("See it in the document", "在文档中查看"),
        "answer.passages": ("Passages read", "已阅读的段落"),
        "answer.nearest": ("The nearest passages", "最相关的段落"),
        "answer.more_passages": ("More passages", "更多段落"),
        "answer.not_fitted": (
            "an estimate, not fitted to this collection",
            "仅为估计，未针对本文档库校准",
        ),
        "answer.considered": ("{passages} considered", "共阅读 {passages}"),
        "answer.considered_in": (
            "{passages} considered in {seconds} s",
            "共阅读 {passages}，用时 {seconds} 秒",
        ),
        "answer.agree": ("{documents} say this", "{documents}这样说"),
        "answer.agree_one": ("{documents} says this", "{documents}这样说"),
        "answer.differ": ("{agree}, {others} say otherwise", "{agree}，另有 {others} 篇说法不同"),
        "answer.differ_one": ("{agree}, {others} says otherwise", "{agree}，另有 {others} 篇说法不同"),
        "confidence.sure": ("very likely right", "很可能正确"),
        "confidence.likely": ("likely right", "大概正确"),
        "confidence.uncertain": ("uncertain", "不确定"),
        "confidence.doubtful": ("doubtful", "存疑"),
        "confidence.line": ("{words}, {percent}", "{words}，{percent}"),
        "place.page": ("page\N{NO-BREAK SPACE}{page}", "第\N{NO-BREAK SPACE}{page}\N{NO-BREAK SPACE}页"),
        # no answer
        "none.nothing": ("Nothing to answer", "无可回答"),
        "none.language": ("Cannot read this language", "无法阅读这种语言"),
        "none.failure": ("The reader failed", "阅读模型出错"),
        "none.none": ("No answer in here", "文档中没有答案"),
        "none.empty_store": ("There are no documents in this collection yet.", "这个文档库里还没有文档。"),
        "none.empty_question": ("There was no question to answer.", "没有输入问题。"),
        "none.no_passages": (
            "No passage fits the question and the filters.",
            "没有段落符合问题和筛选条件。",
        ),
        "none.below": (
            "Nothing in the {passages} states an answer clearly enough: the best guess would be right with a "
            "probability of about {percent}.",
            "{passages}都没有足够明确的答案：最佳猜测正确的概率约为 {percent}。",
        ),
        "none.unsupported": (
            "The reading model does not know this language or script well enough to answer in it. "
            "The passages were found by their words and are for you to read.",
            "阅读模型对这种语言或文字了解不够，不能作答。以下段落是按词语找到的，供您自己阅读。",
        ),
        "none.failed": (
            "The reading model failed on this question. The passages were found and are for you to read.",
            "阅读模型在这个问题上出错。以下是找到的段落，供您自己阅读。",
        ),
        # sharing and taking along
        "share.title": ("Cite and export", "引用与导出"),
        "share.citation": ("Citation", "引文"),
        "share.link": ("Link to this result", "此结果的链接"),
        "share.as": ("Download as {form}", "下载 {form}"),
        # the reasons of an answer
        "why.title": ("Why this answer", "为何是这个答案"),
        "why.looking": ("Looking for the reasons …", "正在寻找理由 ……"),
        "why.words": ("Words that made it the answer", "促成这个答案的词语"),
        "why.for": ("speaks for it", "支持"),
        "why.against": ("speaks against it", "反对"),
        "why.answer": ("the answer", "答案"),
        "why.strongest": ("Strongest in the question:", "问题中影响最大的："),
        "why.strongest_passage": ("In the passage:", "段落中影响最大的："),
        "why.scores": ("Scores", "分数"),
        "why.span_score": ("These words against “no answer”, log-odds", "这些词语相对“无答案”的对数几率"),
        "why.baseline": (
            "The same, no word of question and passage seen",
            "同上，遮住问题和段落的全部词语",
        ),
        "why.rank": ("Rank of the passage", "段落名次"),
        "why.score": ("Score of the search", "搜索得分"),
        "why.dense": ("Nearness in meaning, cosine", "语义相近度（余弦）"),
        "why.lexical": ("Words in common, BM25", "共有词语（BM25）"),
        "why.coverage": ("Words of the question in the passage", "段落中出现的问题词语"),
        "why.agreement": ("Other places that say the same", "同样说法的其他位置"),
        "why.not_found": ("not found by it", "未由此找到"),
        "why.rivals": ("Competing answers", "竞争的答案"),
        # the tab that searches
        "search.mode": ("Rank by", "排序依据"),
        "search.both": ("Meaning and words", "语义和词语"),
        "search.meaning": ("Meaning", "语义"),
        "search.words": ("Words", "词语"),
        "search.button": ("Search", "搜索"),
        "search.placeholder": ("Search your documents", "搜索您的文档"),
        "search.hint": (
            "Type a question or words: this tab shows the passages nearest to them, without reading them. "
            "A phrase in quotation marks must stand there word for word.",
            "输入问题或词语：此处列出最相关的段落，不作解读。引号中的短语必须逐字出现。",
        ),
        "search.searching": ("Searching …", "正在搜索 ……"),
        "search.found": (
            "{passages} of {documents} in {ms} ms",
            "{documents}中的 {passages}，用时 {ms} 毫秒",
        ),
        "search.unsupported": (
            "The encoder does not know this script: passages are ranked by their words alone.",
            "编码模型不认识这种文字：段落仅按词语排序。",
        ),
        "search.more": ("Show more", "显示更多"),
        "search.score": ("score {score}", "得分 {score}"),
        "search.dense": ("meaning {score}", "语义 {score}"),
        "search.lexical": ("words {score}", "词语 {score}"),
        # the viewer
        "document.back": ("Back to the answer", "返回答案"),
        "document.back_search": ("Back to the search", "返回搜索"),
        "document.none": (
            "Choose an answer or a passage to see it in its document.",
            "请选择一个答案或段落，在其文档中查看。",
        ),
        "document.gone": (
            "This document is no longer in the collection. Go back and ask again, or add it anew in the tab "
            "Collection.",
            "这篇文档已不在文档库中。请返回重新提问，或在“文档库”标签页中重新添加。",
        ),
        "document.occurrence": ("Occurrence {number} of {count}", "第 {number} 处，共 {count} 处"),
        "document.previous": ("Previous", "上一处"),
        "document.next": ("Next", "下一处"),
        "document.as_page": ("Page", "页面"),
        "document.as_text": ("Text", "文字"),
        "document.view": ("Show as", "显示方式"),
        "document.drawing": ("Drawing the page …", "正在绘制页面 ……"),
        "document.picture": (
            "Page {page} of {title}, with the words “{words}” boxed",
            "《{title}》第 {page} 页，已框出“{words}”",
        ),
        "document.earlier": ("Earlier text", "前文"),
        "document.later": ("Later text", "后文"),
        "document.changed": (
            "The file has changed or gone since it was taken in; this is the text as it was then.",
            "文件在收录之后已改动或移走；这里显示收录时的文字。",
        ),
        "document.no_picture": (
            "The page could not be drawn ({why}); this is its text.",
            "无法绘制页面（{why}）；这里显示其文字。",
        ),
        "document.why_damaged": ("the file is damaged", "文件已损坏"),
        "document.why_encrypted": ("the file asks for a password", "文件需要密码"),
        "document.why_slow": ("drawing it takes too long", "绘制耗时过长"),
        "document.page_of": ("Page {page} of {pages}", "第 {page} 页，共 {pages} 页"),
        # nouns that are counted
        "count.document.one": ("{count} document", "{count} 篇文档"),
        "count.document.other": ("{count} documents", "{count} 篇文档"),
        "count.passage.one": ("{count} passage", "{count} 个段落"),
        "count.passage.other": ("{count} passages", "{count} 个段落"),
        "count.nearest.one": ("{count} nearest passage", "最相关的 {count} 个段落"),
        "count.nearest.other": ("{count} nearest passages", "最相关的 {count} 个段落"),
    }
)


@dataclass(frozen=True, slots=True)
class Say:
    """The page's voice in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """The line of that key with its values put in; KeyError for a key or value that is missing."""
        line = TABLE[key][LANGUAGES.index(self.language)]
        return line.format(**values) if values else line

    def count(self, noun: str, number: int) -> str:
        """A number with its noun.

        >>> Say("en").count("document", 1), Say("en").count("passage", 1200)
        ('1 document', '1,200 passages')
        """
        return self(f"count.{noun}.{'one' if number == 1 else 'other'}", count=f"{number:,}")

    @property
    def other(self) -> Language:
        """The language that the switch leads to."""
        return "zh" if self.language == "en" else "en"


ENGLISH = Say("en")


def language_for(asked: str | None, browser: str | None) -> Language:
    """The language of the page: the one asked for, else the browser's, else English.

    >>> language_for(None, "zh-CN"), language_for("en", "zh-CN"), language_for(None, "fr")
    ('zh', 'en', 'en')
    """
    for wanted in (asked, browser):
        primary = (wanted or "").lower().replace("_", "-").partition("-")[0]
        for language in LANGUAGES:
            if primary == language:
                return language
    return "en"
