package pinyin

import "testing"

func TestOf(t *testing.T) {
	for text, want := range map[string]string{
		"":          "",
		"井盖缺失":      "jing gai|ge que|kui shi|yi",
		"绿化带垃圾":     "lv|lu hua|huo dai la ji|jie",
		"5G 基站（故障）": "5g ji zhan gu zhang",
		"……":        "",
		"LPG store": "lpg store",
	} {
		if got := Of(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
