package visibility

import (
	"strconv"
	"strings"
)

// style has the declarations of an element that concern visibility and layout.
type style struct {
	hide        bool   // display: none or visibility: hidden
	show        bool   // a later rule shows the element again
	never       bool   // nobody can see the element: it is off screen, clipped, without size, or transparent
	faint       bool   // opacity: 0, which pages also use for content that appears later
	apart       string // display: flex or grid: the children are separate items in a "row" or a "column"
	block       bool   // display: block
	color, back string // as RGB; empty if not set; "?" if not known
}

// declarations parses the declarations of a rule or of a style attribute.
func declarations(css string) style {
	var s style
	var absolute, clipped, small, transparent, throughLetters bool
	for d := range strings.SplitSeq(strings.ToLower(css), ";") {
		key, v, _ := strings.Cut(d, ":")
		key = strings.TrimSpace(key)
		v = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "!important"))
		switch key {
		case "display":
			s.hide = s.hide || v == "none"
			s.show = s.show || v != "none"
			s.block = v == "block" || v == "list-item" || v == "table"
			if s.apart == "" && (strings.Contains(v, "flex") || strings.Contains(v, "grid")) {
				s.apart = "row"
			}
		case "flex-direction", "flex-flow":
			if strings.HasPrefix(v, "column") {
				s.apart = "column"
			}
		case "visibility":
			s.hide = s.hide || v == "hidden" || v == "collapse"
			s.show = s.show || v == "visible"
		case "content-visibility":
			s.hide = s.hide || v == "hidden"
		case "position":
			absolute = v == "absolute" || v == "fixed"
		case "left", "top", "right", "bottom", "margin-left", "margin-top":
			s.never = s.never || pixels(v) <= -500
		case "text-indent":
			s.never = s.never || pixels(v) <= -500 || v == "100%" || v == "-100%"
		case "transform":
			s.never = s.never || strings.HasPrefix(v, "scale(") && first(v) < 0.05 || strings.Contains(v, "translate") && farOff(v)
		case "zoom":
			s.never = s.never || v != "" && v[0] == '0' && !strings.HasSuffix(v, "%") && number(v) < 0.1
		case "filter":
			s.never = s.never || strings.HasPrefix(v, "opacity(") && first(v) < 0.05
		case "clip":
			clipped = strings.HasPrefix(v, "rect(") && strings.Trim(v, "rect(0px1, )") == ""
		case "clip-path":
			s.never = s.never || strings.HasPrefix(v, "inset(50%") || strings.HasPrefix(v, "inset(100%") || strings.HasPrefix(v, "circle(0") ||
				strings.HasPrefix(v, "polygon(") && strings.Trim(v, "polygn(0x%, )") == ""
		case "width", "height", "max-width", "max-height":
			small = small || v == "0" || len(v) > 2 && v[0] <= '1' && strings.HasSuffix(v, "px") && pixels(v) <= 1
		case "overflow":
			clipped = clipped || v == "hidden" || v == "clip"
		case "font-size":
			s.never = s.never || v != "" && (v == "0" || v[0] == '0' && strings.Trim(v, "0.pxemrt%") == "" ||
				!strings.HasSuffix(v, "%") && v[0] <= '9' && v[0] >= '0' && pixels(v) > 0 && pixels(v) < 2)
		case "opacity":
			f, err := strconv.ParseFloat(v, 64)
			s.faint = err == nil && f < 0.05
		case "color":
			s.color = rgb(v)
			transparent = transparent || clear(v)
		case "-webkit-text-fill-color":
			transparent = transparent || clear(v)
		case "background-clip", "-webkit-background-clip":
			throughLetters = v == "text"
		case "background", "background-color":
			if s.back = rgb(v); s.back == "" && v != "none" && v != "inherit" && v != "initial" && v != "transparent" {
				s.back = "?"
			}
		case "background-image":
			if v != "none" {
				s.back = "?"
			}
		}
	}
	s.never = s.never || transparent && !throughLetters || clipped && small || clipped && absolute && strings.Contains(css, "rect(")
	return s
}

// number returns the number that v is, or 1 if it is none.
func number(v string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil {
		return 1
	}
	return f
}

// first returns the first argument of a function such as scale(0, 1), or 1 if it is not a number.
func first(v string) float64 {
	_, args, _ := strings.Cut(v, "(")
	args, _, _ = strings.Cut(args, ")")
	args, _, _ = strings.Cut(args, ",")
	return number(args)
}

// clear reports whether a colour is transparent.
func clear(v string) bool {
	if h, ok := strings.CutPrefix(v, "#"); ok {
		return len(h) == 4 && h[3] == '0' || len(h) == 8 && h[6:] == "00"
	}
	if v == "transparent" {
		return true
	}
	args := strings.FieldsFunc(v, func(r rune) bool { return r == '(' || r == ')' || r == ',' || r == '/' || r == ' ' })
	return len(args) == 5 && (strings.HasPrefix(v, "rgb") || strings.HasPrefix(v, "hsl")) && number(strings.TrimSuffix(args[4], "%")) < 0.05
}

func pixels(v string) float64 {
	for _, unit := range []string{"px", "em", "rem", "pt", "vw", "vh", "%"} {
		if num, ok := strings.CutSuffix(v, unit); ok {
			f, err := strconv.ParseFloat(strings.TrimSuffix(num, "r"), 64)
			if err != nil {
				return 0
			}
			if unit == "em" || unit == "rem" {
				f *= 16
			} else if unit == "vw" || unit == "vh" || unit == "%" {
				f *= 5
			}
			return f
		}
	}
	return 0
}

func farOff(transform string) bool {
	for part := range strings.FieldsFuncSeq(transform, func(r rune) bool { return r == '(' || r == ')' || r == ',' || r == ' ' }) {
		if pixels(part) <= -2000 {
			return true
		}
	}
	return false
}

var colorNames = map[string]string{"white": "ffffff", "black": "000000", "snow": "fffafa", "ivory": "fffff0", "whitesmoke": "f5f5f5", "ghostwhite": "f8f8ff"}

// rgb returns a colour as six hexadecimal digits, or an empty string if the value is not understood.
func rgb(v string) string {
	v, _, _ = strings.Cut(v, " no-repeat")
	if c, ok := colorNames[v]; ok {
		return c
	}
	if h, ok := strings.CutPrefix(v, "#"); ok {
		switch {
		case len(h) == 3 || len(h) == 4:
			return string([]byte{h[0], h[0], h[1], h[1], h[2], h[2]})
		case len(h) == 6 || len(h) == 8:
			return h[:6]
		}
		return ""
	}
	if strings.HasPrefix(v, "hsl") {
		args := strings.FieldsFunc(v, func(r rune) bool { return r == '(' || r == ')' || r == ',' || r == '/' || r == ' ' })
		switch {
		case len(args) < 4:
		case args[3] == "100%":
			return "ffffff"
		case args[3] == "0%":
			return "000000"
		}
		return ""
	}
	if args, ok := strings.CutPrefix(v, "rgb"); ok {
		parts := strings.FieldsFunc(args, func(r rune) bool { return r < '0' && r != '.' || r > '9' })
		if len(parts) >= 3 {
			out := ""
			for _, p := range parts[:3] {
				n, err := strconv.Atoi(p)
				if err != nil || n > 255 {
					return ""
				}
				out += string("0123456789abcdef"[n/16]) + string("0123456789abcdef"[n%16])
			}
			return out
		}
	}
	return ""
}

// alike reports whether two colours are too similar to tell apart.
func alike(a, b string) bool {
	if len(a) != 6 || len(b) != 6 {
		return false
	}
	sum := 0
	for i := 0; i < 6; i += 2 {
		x, err1 := strconv.ParseInt(a[i:i+2], 16, 32)
		y, err2 := strconv.ParseInt(b[i:i+2], 16, 32)
		if err1 != nil || err2 != nil {
			return false
		}
		sum += int(max(x-y, y-x))
	}
	return sum < 12
}
