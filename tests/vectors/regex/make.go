// Writes answers.jsonl.gz: regular expressions with the answers of Go's regexp. `go run make.go`
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

type row struct {
	Pattern string `json:"pattern"`
	// Go's error; empty if the pattern compiles.
	Err string `json:"err,omitempty"`
	// Texts to match, and a letter for each: `-` no match, `s` a match
	// somewhere, `w` the whole text matches (and so does some part of it).
	Texts   []string `json:"texts,omitempty"`
	Answers string   `json:"answers,omitempty"`
}

var atoms = []string{
	"a", "b", "B", "k", "S", "é", "É", "ſ", "K", "中", "/", "-", "_", " ", "0", "7", "\n", ".", "^", "$",
	`\A`, `\z`, `\Z`, `\b`, `\B`, `\C`, `\G`, `\d`, `\D`, `\s`, `\S`, `\w`, `\W`, `\h`, `\R`, `\X`, `\K`,
	`\a`, `\f`, `\n`, `\r`, `\t`, `\v`, `\e`, `\0`, `\01`, `\101`, `\1012`, `\1`, `\8`, `\9`, `\377`, `\777`,
	`\x41`, `\x{41}`, `\x{10FFFF}`, `\x{110000}`, `\x{D800}`, `\x`, `\x4`, `\x{}`, `\x{g}`, `\x{41`, `\u0041`,
	`\Q.*\E`, `\Qa`, `\Q\E`, `\E`, `\.`, `\-`, `\/`, `\_`, `\é`, `\ `, `\<`, `\`,
	`\pL`, `\PL`, `\pN`, `\p{Lu}`, `\P{Lu}`, `\p{^Lu}`, `\P{^Lu}`, `\p{Greek}`, `\p{Latin}`, `\p{Han}`,
	`\p{Cyrillic}`, `\p{LC}`, `\p{Any}`, `\p{ASCII}`, `\p{Assigned}`, `\p{Cn}`, `\p{Letter}`, `\p{lowercase_letter}`,
	`\p{Old_Italic}`, `\p{Common}`, `\p{Foo}`, `\p{}`, `\p{^}`, `\p`, `\p{L`, `\pé`, `\p{Zs}`, `\p{Sm}`, `\p{IsGreek}`,
	`\p{Script=Greek}`, `\p{Alphabetic}`, `\p{Block}`, `\p{Greek_Extended}`, `\p{L&}`, `\p{gc=Lu}`,
	"[abc]", "[^abc]", "[a-z]", "[z-a]", "[]a]", "[^]a]", "[]", "[^]", "[a", "[a-]", "[-a]", "[a-b-c]", "[a-\\d]",
	"[\\d-z]", "[[:alpha:]]", "[[:^alpha:]]", "[^[:word:]]", "[[:foo:]]", "[[:alpha]", "[[.a.]]", "[[=a=]]",
	"[a&&b]", "[a--b]", "[a~~b]", "[[a]]", "[\\w.-]", "[\\pL\\d]", "[^\\PL]", "[\\b]", "[\\Q]\\E]", "[\\]]", "[\\x41-\\x43]",
	"[é-ü]", "[\\x{0}-\\x{10FFFF}]", "[^\\x{0}-\\x{10FFFF}]", "[Kk]", "[^Kk]", "[[:upper:]]", "[[:lower:]]", "[[:punct:]]",
	"[[:space:]]", "[[:blank:]]", "[[:cntrl:]]", "[[:print:]]", "[[:graph:]]", "[[:xdigit:]]", "[[:ascii:]]", "[[:alnum:]]", "[[:digit:]]",
	"(a)", "(?:a)", "(?P<n>a)", "(?<n>a)", "(?P<>a)", "(?P<n", "(?P<é>a)", "(?P<1>a)", "(?'n'a)", "(?P=n)", "(?P>n)",
	"(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?>a)", "(?#a)", "(?|a)", "(?R)", "(", ")", "()", "(|a)", "(a|)", "|", "(?:)",
	"(?i)", "(?m)", "(?s)", "(?U)", "(?x)", "(?-i)", "(?i-s)", "(?i-)", "(?-)", "(?)", "(?:a|b)", "(?i:a)", "(?im-s:b)",
	"(?--i)", "(?i", "(?", "(?^i)", "(?u)", "(?a)",
}

var repeats = []string{
	"", "", "", "", "*", "+", "?", "*?", "+?", "??", "**", "*+", "++", "{2}", "{2,}", "{1,3}", "{0}", "{0,1}", "{,2}", "{", "{}",
	"{a}", "{01}", "{1001}", "{2,1}", "{2}?", "{2}{2}", "{2}*", "{ 2 }", "{2, 3}", "{999999999999}", "{1", "{1,", "}",
}

var texts = []string{
	"", "a", "b", "B", "A", "ab", "aa", "aab", "abc", "aaa", "K", "k", "\u212a", "s", "S", "ſ", "é", "É", "中", "ä", "Δδ", "Я",
	"/", "/a", "a/b", "a b", "a\nb", "\n", "a\n", "\nb", ".", ".*", "-", "_", " ", "0", "7", "42", "٣", "\x00", "\x07", "\v",
	"\u00a0", "\u2028", "\U0010ffff", "\u0378", "{", "}", "{2}", "a{,2}", "[", "]", "\\", "^", "$", "|", "+", "<", "𐌀", "ǅ", "Ⅷ",
}

func answer(pattern string, texts []string) row {
	one := row{Pattern: pattern}
	found, err := regexp.Compile(pattern)
	if err != nil {
		one.Err = err.Error()
		return one
	}
	// Leftmost-longest at the text's both ends: whether the whole of it matches.
	whole := regexp.MustCompile(`\A(?:` + pattern + `)\z`)
	one.Texts = texts
	for _, text := range texts {
		switch {
		case whole.MatchString(text):
			one.Answers += "w"
		case found.MatchString(text):
			one.Answers += "s"
		default:
			one.Answers += "-"
		}
	}
	return one
}

func main() {
	file, err := os.Create("answers.jsonl.gz")
	if err != nil {
		panic(err)
	}
	zipped, _ := gzip.NewWriterLevel(file, 9)
	out := bufio.NewWriter(zipped)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	dice := rand.New(rand.NewSource(15))
	pick := func(from []string) string { return from[dice.Intn(len(from))] }
	seen := map[string]bool{}
	count, refused := 0, 0
	add := func(pattern string, texts []string) {
		if seen[pattern] || !utf8.ValidString(pattern) {
			return
		}
		seen[pattern] = true
		// What an open quotation or flag does to the anchors is another expression.
		if _, err := regexp.Compile(`\A(?:` + pattern + `)\z`); err != nil {
			if _, err := regexp.Compile(pattern); err == nil {
				return
			}
		}
		one := answer(pattern, texts)
		count++
		if one.Err != "" {
			refused++
		}
		if err := encoder.Encode(one); err != nil {
			panic(err)
		}
	}
	// Each atom and each repetition by itself, on all texts.
	for _, atom := range atoms {
		add(atom, texts)
		add("(?i)"+atom, texts)
		add("(?i)[^"+atom+"x]", texts)
	}
	for _, repeat := range repeats {
		add(repeat, texts)
		add("a"+repeat, texts)
		add("(?:ab|a)"+repeat+"b", texts)
	}
	// Nesting and size at Go's limits.
	for _, depth := range []int{998, 999, 1000, 1001} {
		add(strings.Repeat("(", depth)+"a"+strings.Repeat(")", depth), []string{"a"})
		add(strings.Repeat("(?:", depth)+"a"+strings.Repeat(")", depth), []string{"a"})
		add(strings.Repeat("(?:a", depth)+strings.Repeat(")?", depth), []string{"", "aa"})
	}
	for _, pattern := range []string{
		"a{1000}", "[ab]{1000}b", "(?:ab){1000}?", `\d{1000}`, `\pL{1000}`, "(a{10}){100}", "(a{100}){100}", "((a{10}){10}){10}", "((a{100}){10}){2}?b", "(a{2,}){500}", "(a{2,}){501}", "(?:a{100}|b){11}",
		"(a{500}){0}", "(a{0}){1000}", "(a{5}b{300}){3}", "(a{5}b{400}){3}", "((a{1000}){1000}){1000}", "(x{1000}){0}", "a{0}{2}",
		"((a*){2}){2}", "(?i)straSSe", "(?i:k)k", "(?s).", "(?s:.).", "(?m)^a$", "(?m:^)b", "(?U)a+", "(?U)a+?", "a|b|c", "ab|ac|ad", "(a|ab)(c|bcd)",
	} {
		add(pattern, texts)
	}
	// Atoms put together: nine of ten of those that Go takes by themselves.
	taken := func(from []string, before string) []string {
		var taken []string
		for _, one := range from {
			if _, err := regexp.Compile(before + one); err == nil {
				taken = append(taken, one)
			}
		}
		return taken
	}
	allAtoms, allRepeats := atoms, repeats
	goodAtoms, goodRepeats := taken(atoms, ""), taken(repeats, "a")
	for count < 9000 {
		atoms, repeats := goodAtoms, goodRepeats
		if dice.Intn(10) == 0 {
			atoms, repeats = allAtoms, allRepeats
		}
		var pattern strings.Builder
		for range 1 + dice.Intn(4) {
			switch dice.Intn(8) {
			case 0:
				pattern.WriteString("(" + pick(atoms) + pick(repeats) + pick(atoms) + ")" + pick(repeats))
			case 1:
				pattern.WriteString(pick(atoms) + "|" + pick(atoms))
			default:
				pattern.WriteString(pick(atoms) + pick(repeats))
			}
		}
		few := make([]string, 0, 6)
		for range 5 {
			few = append(few, pick(texts))
		}
		few = append(few, pick(texts)+pick(texts)+pick(texts))
		add(pattern.String(), few)
	}
	if err := out.Flush(); err != nil {
		panic(err)
	}
	if err := zipped.Close(); err != nil {
		panic(err)
	}
	fmt.Println(count, "expressions,", refused, "refused")
}
