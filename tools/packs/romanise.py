"""English names for Chinese divisions: an established name where there is one, else Hanyu Pinyin."""

from __future__ import annotations

import json
from pathlib import Path

from pypinyin import Style, lazy_pinyin

PEOPLES = {
    "藏族": "Tibetan", "回族": "Hui", "壮族": "Zhuang", "蒙古族": "Mongol", "蒙古": "Mongol",
    "朝鲜族": "Korean", "土家族": "Tujia", "苗族": "Miao", "彝族": "Yi", "羌族": "Qiang",
    "布依族": "Bouyei", "侗族": "Dong", "白族": "Bai", "傣族": "Dai", "景颇族": "Jingpo",
    "傈僳族": "Lisu", "哈尼族": "Hani", "拉祜族": "Lahu", "佤族": "Va", "纳西族": "Naxi",
    "瑶族": "Yao", "黎族": "Li", "畲族": "She", "满族": "Manchu", "达斡尔族": "Daur",
    "鄂温克族": "Ewenki", "哈萨克族": "Kazakh", "哈萨克": "Kazakh", "柯尔克孜": "Kirgiz",
    "塔吉克": "Tajik", "锡伯": "Xibe", "撒拉族": "Salar", "保安族": "Bonan", "东乡族": "Dongxiang",
    "土族": "Tu", "裕固族": "Yugur", "仡佬族": "Gelao", "水族": "Sui", "毛南族": "Maonan",
    "仫佬族": "Mulao", "独龙族": "Derung", "怒族": "Nu", "普米族": "Pumi", "布朗族": "Blang",
    "各族": "Multi-ethnic",
}  # fmt: skip

# Suffix -> English generic; the longest that fits is taken.
GENERICS = {
    "自治州": "Autonomous Prefecture", "自治县": "Autonomous County", "自治旗": "Autonomous Banner",
    "地区": "Prefecture", "盟": "League", "林区": "Forestry District", "特区": "Special District",
    "新区": "New District", "左旗": "Left Banner", "右旗": "Right Banner", "前旗": "Front Banner",
    "后旗": "Rear Banner", "中旗": "Middle Banner", "联合旗": "United Banner", "旗": "Banner",
    "群岛": "Islands", "区": "District", "县": "County", "市": "City",
}  # fmt: skip

WHOLE = {"矿区": "Mining District", "郊区": "Suburban District", "城区": "Urban District"}

# Readings of place names that differ from the everyday reading of the character.
READINGS = {
    "大城": "Dacheng", "乐亭": "Laoting", "蔚": "Yu", "涿": "Zhuo", "洪洞": "Hongtong", "解州": "Xiezhou",
    "六合": "Luhe", "六安": "Lu'an", "歙": "She", "黟": "Yi", "枞阳": "Zongyang", "亳州": "Bozhou",
    "台州": "Taizhou", "天台": "Tiantai", "丽水": "Lishui", "乐清": "Yueqing", "嵊州": "Shengzhou",
    "铅山": "Yanshan", "婺源": "Wuyuan", "莘": "Shen", "单": "Shan", "郯城": "Tancheng", "东阿": "Dong'e",
    "浚": "Xun", "尉氏": "Weishi", "泌阳": "Biyang", "郏": "Jia", "武陟": "Wuzhi", "黄陂": "Huangpi",
    "监利": "Jianli", "秭归": "Zigui", "耒阳": "Leiyang", "郴州": "Chenzhou", "番禺": "Panyu",
    "大埔": "Dabu", "犍为": "Qianwei", "珙": "Gong", "筠连": "Junlian", "邛崃": "Qionglai",
    "郫": "Pi", "荥经": "Yingjing", "荥阳": "Xingyang", "勐海": "Menghai", "勐腊": "Mengla",
    "吴堡": "Wubu", "盩厔": "Zhouzhi", "鄠邑": "Huyi", "莎车": "Shache", "若羌": "Ruoqiang",
    "重庆": "Chongqing", "长治": "Changzhi", "巴中": "Bazhong", "厦门": "Xiamen", "盱眙": "Xuyi",
    "邗江": "Hanjiang", "栖霞": "Qixia", "长垣": "Changyuan", "中牟": "Zhongmu", "阜阳": "Fuyang",
    "会理": "Huili", "朝阳": "Chaoyang", "乐山": "Leshan", "乐平": "Leping", "乐东": "Ledong",
    "乐业": "Leye", "乐至": "Lezhi", "乐安": "Le'an", "乐昌": "Lechang", "曾都": "Zengdu",
    "长子": "Zhangzi", "万荣": "Wanrong", "柏乡": "Baixiang", "隆尧": "Longyao", "句容": "Jurong",
    "阿城": "Acheng", "东胜": "Dongsheng", "康巴什": "Kangbashi", "石柱": "Shizhu", "宿州": "Suzhou",
    "宿迁": "Suqian", "宿松": "Susong", "宿豫": "Suyu", "宿城": "Sucheng", "埇桥": "Yongqiao",
    "濉溪": "Suixi", "蚌埠": "Bengbu", "繁峙": "Fanshi", "吕梁": "Lüliang",
}  # fmt: skip


def _pinyin(text: str) -> str:
    """One capitalised word, with the apostrophe that Hanyu Pinyin asks for before a, o and e."""
    if text in READINGS:
        return READINGS[text]
    syllables = lazy_pinyin(text, style=Style.NORMAL, v_to_u=True)
    word: str = syllables[0]
    for syllable in syllables[1:]:
        word += ("'" if syllable[0] in "aoe" else "") + syllable
    return word[:1].upper() + word[1:]


def _peoples(stem: str) -> tuple[str, list[str]]:
    """The stem without the names of peoples at its end, and those names in English."""
    found: list[str] = []
    while True:
        for chinese in sorted(PEOPLES, key=len, reverse=True):
            if stem.endswith(chinese):
                stem = stem[: -len(chinese)]
                found.insert(0, PEOPLES[chinese])
                break
        else:
            return stem, found


def established(cities_file: Path) -> dict[str, str]:
    """Chinese name -> GeoNames name, of places in China; where two share a name, the more populous."""
    best: dict[str, tuple[int, str]] = {}
    for city in json.loads(cities_file.read_text(encoding="utf-8")).values():
        if city["countrycode"] == "CN":
            for alternate in city["alternatenames"]:
                if alternate and all("\u4e00" <= character <= "\u9fff" for character in alternate):
                    best[alternate] = max(
                        best.get(alternate, (0, "")), (city["population"], city["name"].replace("’", "'"))
                    )
    return {chinese: name for chinese, (_, name) in best.items()}


def english(name: str, level: str, cities: dict[str, str]) -> str:
    """`石家庄市` -> Shijiazhuang, `双江拉祜族佤族布朗族傣族自治县` -> Shuangjiang Lahu-Va-Blang-Dai
    Autonomous County. `cities` (see `established`) is asked for prefecture-level cities only."""
    if name in WHOLE:
        return WHOLE[name]
    if level == "city" and name.endswith("市"):
        stem = name[:-1]
        return cities.get(name) or cities.get(stem) or _pinyin(stem)
    for suffix in sorted(GENERICS, key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            stem, generic = name[: -len(suffix)], GENERICS[suffix]
            peoples: list[str] = []
            if suffix.startswith("自治"):
                stem, peoples = _peoples(stem)
            words = [_pinyin(stem)] if stem else []
            return " ".join([*words, *(["-".join(peoples)] if peoples else []), generic])
    return _pinyin(name)
