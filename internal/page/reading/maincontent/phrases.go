package maincontent

import (
	"regexp"

	"legwork/internal/page/reading/dom"
)

// These are words of class names and ids, or whole class names and ids, that indicate noise.
var (
	// An element with one of the noiseWords is noise, unless it has a large part of the page's text.
	noiseWords = dom.WordSet("share sharing sharedaddy social socials newsletter newsletters subscribe subscription signup advert advertisement advertising adsense adbox ads " +
		"sponsored sponsor promo promotion promoted breadcrumb breadcrumbs cookie cookies consent gdpr pagination pager outbrain taboola " +
		"ad ads adslot adunit mpu dfp cta optin mc4wp mailchimp upsell " +
		"disqus navbar navigation navheader navfooter sitenav sphinxsidebar headerlink skiplink recommendations recommended recirc " +
		"colophon masthead tagcloud taglist trending mostread backtotop paywall dialog modal popup lightbox tooltip noprint")
	noiseNames = dom.WordSet("nav related site-nav site-header site-footer footer skip-link skip-to-content cookie-banner cookie-consent related-posts related-articles " +
		"related-content related-links related-stories related-topics relatedposts jp-relatedposts more-stories more-articles more-news read-more-list " +
		"read-next up-next also-read you-may-like most-read most-popular popular-posts latest-news latest-posts recent-posts post-navigation post-nav " +
		"nav-links nav-previous nav-next entry-footer post-tags entry-tags article-tags tags-links tag-list author-box author-bio about-author post-author-box " +
		"follow-us mw-editsection mw-jump-link catlinks printfooter vector-menu noprint toctitle addtoany_share_save_container a2a_kit edit-this-page edit-page " +
		"feedback-form page-feedback was-this-helpful print-button back-to-top topic-list article-actions post-actions story-tools advertisement-label")
	// An element with one of the surroundNames is always navigation.
	surroundNames = dom.WordSet("navheader navfooter navbar nav navigation site-nav sitenav breadcrumb breadcrumbs site-header site-footer footer sphinxsidebar related headerlink " +
		"skip-link cookie-banner cookie-consent")
	// An element with one of the weakWords is noise if most of its text is links.
	weakWords = dom.WordSet("sidebar widget widgets banner menu menus nav tags topics categories bio teaser teasers popular recent latest toolbar footer header login rating " +
		"ratings print card cards more link links related next prev previous actions byline follow dateline partner partners shop store rail aside complementary top bottom logo search")
	// controlWords are names of controls and small print. An element with one of them is noise if it has hardly a sentence.
	controlWords = dom.WordSet("signature postprofile toolbar tools actions kudos votes votecell vote voting likes metrics crumbs crumb topbar topnav navibar navlinks linklist " +
		"editbar credits imprint prevnext nextprev jumpbox userinfo pageinfo pageactions postmenu posttags taglist usercard badge reactions permalink " +
		"skip strip statusbar online whosonline foot footer header")
	// titledWords are controlWords that are also used for the top and bottom of a text, with its title or a paragraph.
	titledWords  = dom.WordSet("header foot footer badge strip")
	sideWords    = dom.WordSet("sidebar side rail sidecol sidepanel aside")
	commentWords = dom.WordSet("comment comments commentlist respond responses replies discussion disqus commenting")
	// threadWords occur on pages whose comments are the content, such as forums.
	threadWords = dom.WordSet("question questions answer answers accepted thread threads forum topic bestanswer solution solved qa discussions issue")
	// threadTitles and threadPaths are words in the titles and addresses of pages whose comments are the content.
	threadTitles = dom.WordSet("forum thread discussion question")
	threadPaths  = dom.WordSet("forum forums thread threads questions question discussions viewtopic topic topics issues")
	// calloutWords are names of boxes and notes that are set apart from the running text but belong to the content.
	calloutWords = dom.WordSet("note notes warning warnings tip tips caution important admonition callout alert danger info hint attention error box infobox factbox " +
		"example definition remark key takeaways summary footnote footnotes margin marginnote sidenote epigraph pullquote")
)

var (
	contentsHeading = regexp.MustCompile(`(?i)^((table of )?contents|toc|(in|on) this (article|page|post|story|guide|section|document)|page contents|quick navigation|` +
		`what.s (on this page|in this (article|guide|post))|jump to( section)?|inhalt(sverzeichnis)?|auf dieser seite|in diesem artikel|sommaire|table des matières|` +
		`dans cet article|sur cette page|contenidos?|índice|tabla de contenidos?|en este artículo|en esta página|sommario|indice( dei contenuti)?|in questo articolo|` +
		`inhoud(sopgave)?|conteúdo|neste artigo|nesta página|sumário|содержание|оглавление|目录|目錄|目次|もくじ|목차|المحتويات|spis treści|obsah|innehåll)( ?\[?(hide|show|toggle)\]?)?:?$`)
	// strongHeading matches headings of short sections that are never part of a text.
	strongHeading = regexp.MustCompile(`(?i)^((from )?(our )?sponsors?|advertisements?|follow us\b.{0,30}|(subscribe|sign up)( to| for) .{0,40}newsletter.{0,30}|about the authors?|` +
		`rights and permissions|cite this (article|page)|about this article|support us|work with us|we.?re hiring.{0,30}|download our app|(über|zu) (den|die|der) auto[r](in|en)?|` +
		`à propos de l.auteure?|sobre (el|la|o|a) autora?|об авторе|关于作者|著者について)$`)
	sourcesHeading = regexp.MustCompile(`(?i)^(\d+\.? )?(references?|sources?|notes?( and references)?|footnotes|bibliography|works cited|literature|further reading|see also|external links|downloads?|` +
		`quellen|einzelnachweise|literatur|weblinks|siehe auch|références|notes et références|bibliographie|voir aussi|liens externes|referencias|fuentes|bibliografía|véase también|` +
		`enlaces externos|fonti|note|bibliografia|referências|fontes|источники|литература|примечания|ссылки|参考文献|参考资料|出典|脚注|المراجع)\b?:?$`)
	bylineStart = regexp.MustCompile(`(?i)^((text |words |written |posted )?by|von|par|por|di|text:|автор|作者|文)[ :：]`)
	// endLine matches lines that follow a text, such as tags, categories and the date of the last change.
	endLine = regexp.MustCompile(`(?i)^((tags?|filed (under|in)|posted (in|under)|categor(y|ies)|topics?|labels?|schlagw(ort|örter)|kategorien?|stichworte|mots[- ]clés|étiquettes|catégories?|etiquetas|categorías?|` +
		`tag|categorie|categorias|теги|метки|рубрики?|标签|分类|タグ|カテゴリー?)\s*[:：].{0,240}|` +
		`((share|teilen|partager|compart(ir|e|ilhar)|condividi|delen|поделиться)(\PL.{0,60})?|(分享|シェア|공유|点赞|赞 ?\d).{0,60})|` +
		`(previous|next|older|newer|vorherige[rs]?|nächste[rs]?|précédent|suivant|anterior|siguiente|próximo|preceden[t]e)` +
		`(\PL.{0,120})?|(предыдущ|следующ|上一篇|下一篇|前の記事|次の記事).{0,120}|` +
		`(did you|¿?te ha|has this|was this|vous avez|hat (ihnen|dir)|ti è)\b.{0,100}[?!].{0,80}|` +
		`(this (article|story|post) (was|is|has been) (originally |first )?(published|produced|republished|copyright)|originally published|first published|reprinted)\b.{0,200}|` +
		`(copyright|©|\(c\)|all rights reserved|alle rechte vorbehalten|tous droits réservés|todos los derechos).{0,200}|` +
		`(thanks for (contributing|reading|subscribing)|by clicking|by (signing up|subscribing)|` +
		`this site (uses|is protected)|we may earn|this (post|article|page) (may )?contains? affiliate)\b.{0,240}|` +
		`(follow|find|like) (us|me|him|her|the author)\b.{0,100}|(have|got) (a|any) (tip|story|question|correction|comment)s?\b.{0,140}|` +
		`(report|flag|suggest) (a|an|this) (typo|error|correction|problem|comment|issue|edit).{0,80}|(edit|improve) this (page|article).{0,40}|` +
		`(leave|post|write|add) (a|your) (comment|reply|review).{0,60}|(deja|dejar) un comentario.{0,40}|laisser un commentaire.{0,40}|kommentar (schreiben|hinterlassen).{0,40}|` +
		`(get|download) (our|the) app.{0,60}|(print|save|email)( this)?( (page|article|release))?|back to (top|all|the|blog|news)\b.{0,30}|nach oben|haut de page|` +
		`more information about the .{1,60} mailing list|you must be (logged|signed) in.{0,80}|(already have an account|not a member|new here).{0,100}|` +
		`本文.{0,20}(转载|原创|版权).{0,60}|(转载|版权).{0,60})$`)
)

// These patterns match headings of noise, and lines of noise.
var (
	noiseHeading = regexp.MustCompile(`(?i)^(related( (articles?|posts?|stories|content|news|links|topics|reading|items|pages|coverage|videos?|products?))?|` +
		`you (may|might|could|will)( also)? (like|enjoy|love|be interested in).*|` +
		`more (from|on|in|stories|articles|news|posts|like this|to explore|coverage)\b.*|read (more|next|also)\b.*|recommended( (for you|` +
		`reading|articles?|stories|posts?|videos?))?|` +
		`(most|popular|trending|latest|recent|top|featured|other)( (read|popular|viewed|shared|posts?|news|stories|articles?|` +
		`now|videos?|comments?|in .{1,30}))+|trending|share( (this|on|it|via|article|story|post).{0,40})?|` +
		`follow (us|me)\b.*|stay (connected|in touch|up to date|informed).*|(sign up|subscribe|join)\b.{0,60}|(our |the )?newsletters?\b.{0,40}|` +
		`about the authors?|advertisements?|sponsored( content| links)?|don.t miss.*|editor.?s.? picks?|what to read next|up next|keep reading|popular( posts?)?|` +
		`rights and permissions|cite this (article|page)|about this article|who is online|top contributors|nearby words|` +
		`word of the day|still stuck\??|similar .{3,20}|support us|` +
		`相关(推荐|阅读|文章|新闻)|推荐阅读|热门文章|おすすめの記事|猜你喜欢|为您推荐|` +
		`also (on|in|read)\b.*|see also:.*|read (this|these) next.*|more (reading|articles?|posts?|news|stories|episodes)|our sponsors?|recently viewed( articles)?|` +
		`関連記事|人気記事|関連リンク|también te puede interesar|te puede interesar|artículos relacionados|` +
		`noticias relacionadas|à lire aussi|lire aussi|articles (liés|similaires)|sur le même (sujet|thème)|` +
		`(das könnte sie|das könnte dich) (auch )?interessieren|lesen sie (auch|mehr).*|mehr zum thema|verwandte (artikel|` +
		`themen|beiträge)|weitere (artikel|meldungen|themen)|meistgelesen|leggi anche|potrebbe interessarti.*|articoli correlati|` +
		`lees ook|gerelateerd.*|leia (também|mais)|` +
		`veja também|читайте также|похожие (статьи|материалы)|по теме|مقالات ذات صلة|اقرأ أيضا.*|` +
		`tags?:?|filed under:?|topics?:?|categories:?|explore more|similar (posts?|articles?|stories)|we recommend|from (the|` +
		`our) (archives?|partners?).*|promoted( content)?|around the web|follow.{0,20}on (twitter|facebook).*)$`)
	commentHeading = regexp.MustCompile(`(?i)^(comments?( ?\(?\d*\)?)?:?|\d+ (comments?|responses?|replies|thoughts?)\b.*|(leave|post|write|add|submit)( a|` +
		` your)? (reply|comment|response)s?.*|join the (conversation|discussion).*|(view|show) (all )?comments.*|reader comments|` +
		`no comments( yet)?|comments are closed.*|kommentare?|commentaires?|comentarios?)$`)
	noiseLine = regexp.MustCompile(`(?i)^(share (this|on|via|article|story|post)\b.{0,80}|share|tweet|pin it|email( this)?|print( this.{0,20})?|copy link|` +
		`advertisements?|loading\.*|(click|tap) (here )?to (share|print|email|copy|tweet|subscribe|sign up).*|` +
		`(story|article) continues (below|after).*|continue reading.{0,60}|read (more|also|next):.{0,200}|(related|see also|` +
		`also read|more on this|recommended):.{0,200}|(sign up|subscribe) (for|to|now|here|today)\b.{0,140}|follow (us|me|` +
		`@).{0,120}|` +
		`(please )?(enable|turn on) javascript.{0,100}|(skip|jump) to (main |the )?(content|navigation|search).*|back to top|` +
		`(all rights reserved.?|©.{0,120}|copyright ©.{0,120})|view comments|comments are closed\.?|be the first to comment\.?|` +
		`(report|flag) (a|an) (typo|error|comment).{0,60}|` +
		`like this:?|like loading.*|was this (article|page) helpful\??.{0,20}|rate this.{0,40}|\d+ shares?|\d+ comments?|` +
		`leave a (reply|comment)|(log|sign) in to (comment|reply|leave|post).{0,60}|(want|get) more .{0,60}newsletter.{0,60}|` +
		`listen to this article.{0,40}|\d+ min(ute)?s? read)$`)
	cookieText     = regexp.MustCompile(`(?i)\bcookies?\b`)
	newsletterText = regexp.MustCompile(`(?i)newsletter|subscribe|sign up|inbox|mailing list|stay up to date|latest (news|stories) (delivered|in your)`)
	acceptText     = regexp.MustCompile(`(?i)^\W*(accept|agree|i agree|allow|reject|decline|got it|ok|okay|close|dismiss|manage|settings|preferences|continue|` +
		`i understand|akzeptieren|ablehnen|accepter|refuser|aceptar|accetta|rifiuta)\b`)
)
