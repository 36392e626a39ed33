package words

import (
	"embed"
	"strings"
	"sync"
)

// stopFiles has the stop words of each language: those that come with PostgreSQL, which are Snowball's. Those of Romanian,
// Polish, Czech, Ukrainian and Indonesian are the commonest words of these languages.
//
//go:embed stop/*.txt
var stopFiles embed.FS

// asking are words with which questions are asked, and that a list may lack. They say nothing about the subject.
var asking = map[string]string{
	"en": "could would may might must shall whose per via please tell let",
	"de": "wann warum wieso weshalb woher wohin womit wodurch worauf wer wen wem wieviel viele lange gibt heißt bedeutet",
	"fr": "où quand comment pourquoi combien quel quelle quels quelles est-ce quoi les si ça cela cette cet ces plus",
	"es": "dónde cuándo cuál cuáles cómo qué quién quiénes cuánto cuánta cuántos cuántas por", //nolint:misspell // not English
	"it": "dove quando come perché quanto quanta quanti quante quale quali chi cosa qual",
	"pt": "onde quando como porque quanto quanta quantos quantas qual quais quem que quê",
	"nl": "waar wanneer hoe waarom welke welk hoeveel wie wat heet",
	"da": "hvor hvornår hvordan hvorfor hvilken hvilket hvilke hvem hvad mange meget",
	"no": "hvor når hvordan hvorfor hvilken hvilket hvilke hvem hva mange mye",
	"sv": "var när hur varför vilken vilket vilka vem vad många mycket",
	"fi": "missä mistä mihin milloin miten miksi kuinka mikä mitä mitkä kuka montako paljonko",
	"hu": "hol mikor hogyan miért mennyi melyik ki mi mit hány milyen",
	"tr": "nerede nereye ne zaman nasıl neden niçin niye kaç hangi kim mi mı mu mü",
	"ru": "где когда как почему зачем сколько какой какая какое какие кто что чем",
}

// lists are read once; they are constants.
var stopWords = sync.OnceValue(func() map[string]map[string]bool {
	lists := map[string]map[string]bool{}
	files, err := stopFiles.ReadDir("stop")
	if err != nil {
		panic(err) // the files are part of the program
	}
	for _, f := range files {
		text, err := stopFiles.ReadFile("stop/" + f.Name())
		if err != nil {
			panic(err)
		}
		language := strings.TrimSuffix(f.Name(), ".txt")
		set := map[string]bool{}
		for _, w := range strings.Fields(string(text) + " " + asking[language]) {
			set[Fold(w)] = true
		}
		lists[language] = set
	}
	return lists
})

// IsStop reports whether a folded word has no meaning of its own in a language.
func IsStop(language, word string) bool {
	return stopWords()[Norm(language)][word]
}
