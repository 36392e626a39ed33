package words

import "testing"

// TestDetect has short questions, as people ask them.
func TestDetect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ language, text string }{
		{"en", "What is the default of max_connections?"},
		{"en", "How do I cancel a query?"},
		{"en", "Which port does it use?"},
		{"en", "Who wrote Hamlet?"},
		{"en", "Is the sort stable?"},
		{"de", "Wie lange wartet der Server?"},
		{"de", "Welcher Port wird benutzt?"},
		{"de", "Was ist ein Deadlock?"},
		{"de", "Wo liegt die Konfiguration?"}, //nolint:misspell // not English
		{"de", "Wann wird das erste Benutzerkonto angelegt?"},
		{"de", "Warum ist es langsam?"},
		{"fr", "Quelle est la valeur par défaut ?"},
		{"fr", "Comment annuler une requête ?"},
		{"fr", "Où se trouve le fichier ?"},
		{"fr", "Combien de connexions sont permises ?"}, //nolint:misspell // not English
		{"es", "¿Cuál es el puerto predeterminado?"},
		{"es", "Cómo cancelo una consulta"},
		{"es", "Dónde está el archivo de configuración"},
		{"it", "Qual è la porta predefinita?"},
		{"it", "Come si annulla una query?"},
		{"it", "Dove si trova il file?"},
		{"pt", "Qual é a porta padrão?"},
		{"pt", "Onde fica o arquivo de configuração?"},
		{"pt", "Quantas conexões são permitidas?"},
		{"nl", "Wat is de standaardpoort?"},
		{"nl", "Hoe annuleer ik een query?"},
		{"nl", "Waar staat het bestand?"},
		{"da", "Hvor mange forbindelser er tilladt, og hvornår lukkes de?"},
		{"sv", "Vilken port används och varför?"},
		{"sv", "Hur många anslutningar är tillåtna?"},
		{"fi", "Mikä on oletusportti ja missä se on?"},
		{"hu", "Mennyi az alapértelmezett érték?"},
		{"hu", "Hol van a fájl?"},
		{"tr", "Varsayılan bağlantı noktası nedir?"},
		{"tr", "Bu sorgu nasıl iptal edilir?"},
		{"ro", "Care este portul implicit și unde se află?"},
		{"pl", "Jaki jest domyślny port?"},
		{"pl", "Gdzie jest plik?"},
		{"cs", "Jaký je výchozí port?"},
		{"cs", "Kde je soubor a proč?"},
		{"ru", "Какой порт используется по умолчанию?"},
		{"ru", "Как отменить запрос?"},
		{"uk", "Який порт використовується та де він?"},
		{"id", "Berapa nilai yang digunakan oleh server ini?"},
		{"ja", "大人の入浴料はいくらですか"},
		{"ja", "PostgreSQLのポートは?"},
		{"zh", "竹棚架怎么搭"},
		{"zh", "max_connections 的默认值是多少?"},
		{"ko", "서울 지하철 요금은 얼마입니까?"},
		{"th", "ค่าเริ่มต้นคืออะไร"},
		{"el", "Ποια είναι η προεπιλογή;"},
		{"ar", "ما هو المنفذ الافتراضي؟"},
		{"he", "מהו הפורט?"},
		{"hi", "डिफ़ॉल्ट पोर्ट क्या है?"},
		{"", "max_connections"},
		{"", "3.11"},
		{"", "PostgreSQL 15 pg_dump"},
		{"", ""},
	} {
		if got := Detect(tt.text); got != tt.language {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.language)
		}
	}
}
