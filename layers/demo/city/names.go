package city

import "math/rand/v2"

// name is an invented name in Chinese and in Latin letters.
type name struct{ zh, en string }

// syllable is a character of place names with its reading.
type syllable = name

var heads = []syllable{
	{"望", "Wang"}, {"青", "Qing"}, {"石", "Shi"}, {"桥", "Qiao"}, {"长", "Chang"}, {"沙", "Sha"}, {"莲", "Lian"}, {"松", "Song"},
	{"白", "Bai"}, {"南", "Nan"}, {"东", "Dong"}, {"海", "Hai"}, {"厚", "Hou"}, {"云", "Yun"}, {"金", "Jin"}, {"平", "Ping"},
	{"龙", "Long"}, {"新", "Xin"}, {"大", "Da"}, {"上", "Shang"}, {"下", "Xia"}, {"清", "Qing"}, {"梅", "Mei"}, {"竹", "Zhu"},
	{"荷", "He"}, {"桂", "Gui"}, {"榕", "Rong"}, {"麻", "Ma"}, {"黄", "Huang"}, {"玉", "Yu"}, {"银", "Yin"}, {"红", "Hong"},
	{"福", "Fu"}, {"安", "An"}, {"永", "Yong"}, {"和", "He"}, {"兴", "Xing"}, {"水", "Shui"}, {"月", "Yue"}, {"凤", "Feng"},
}

var tails = []syllable{
	{"江", "jiang"}, {"塘", "tang"}, {"排", "pai"}, {"头", "tou"}, {"堤", "di"}, {"岭", "ling"}, {"湖", "hu"}, {"原", "yuan"},
	{"浦", "pu"}, {"岸", "an"}, {"阁", "ge"}, {"田", "tian"}, {"湾", "wan"}, {"坑", "keng"}, {"岗", "gang"}, {"洲", "zhou"},
	{"溪", "xi"}, {"坪", "ping"}, {"围", "wei"}, {"沙", "sha"}, {"涌", "chong"}, {"山", "shan"}, {"井", "jing"}, {"桥", "qiao"},
	{"口", "kou"}, {"门", "men"}, {"园", "yuan"}, {"坊", "fang"}, {"墩", "dun"}, {"林", "lin"},
}

// names gives out pairs of syllables, each pair once, so that no two towns or villages are called the same.
type names struct{ pairs []name }

func newNames(seed uint64) *names {
	var all []name
	for _, h := range heads {
		for _, t := range tails {
			if h.zh != t.zh {
				all = append(all, name{h.zh + t.zh, h.en + t.en})
			}
		}
	}
	r := source(seed, "names", 0)
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return &names{pairs: all}
}

func (n *names) town(i int) name {
	p := n.pairs[i]
	if i < 4 {
		return name{p.zh + "街道", p.en + " Subdistrict"}
	}
	return name{p.zh + "镇", p.en + " Town"}
}

func (n *names) village(i int, urban bool) name {
	p := n.pairs[towns+i]
	if urban {
		return name{p.zh + "社区", p.en + " Community"}
	}
	return name{p.zh + "村", p.en + " Village"}
}

var surnames = []rune("王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常")

var givens = []rune("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建文志国春梅海燕云凤晓东林建波宁欣雨佳琪子涵浩然宇轩思远嘉怡梓萱俊熙晨曦乐天若曦安琪锦程家豪咏诗")

// person is an invented name; it belongs to nobody.
func personName(r *rand.Rand) string {
	n := string(surnames[r.IntN(len(surnames))]) + string(givens[r.IntN(len(givens))])
	if r.IntN(4) > 0 {
		n += string(givens[r.IntN(len(givens))])
	}
	return n
}
