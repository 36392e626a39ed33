package browser

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"legwork/internal/goroutine"
)

// startTime limits the time in which a new Chromium must answer for the first time.
const startTime = 30 * time.Second

// instance is one Chromium, started by us or remote.
type instance struct {
	ctx     context.Context // chromedp's context of the browser; it ends with the browser
	browser *chromedp.Browser
	pid     atomic.Int64 // process id; 0 for a remote Chromium
	version string
	began   time.Time

	stopping atomic.Bool
	stop     func() // ends the Chromium and waits until all its processes have ended; may be called concurrently

	tabs, pages int // guarded by Browser.mu
}

func (i *instance) dead() bool { return i.ctx.Err() != nil || i.stopping.Load() }

// giveUp makes a Chromium end that does not answer, without waiting for its end. The next page gets a new Chromium.
func (i *instance) giveUp() {
	i.stopping.Store(true)
	goroutine.Go(i.ctx, i.stop)
}

// launch starts a Chromium, or connects to the remote one.
func (b *Browser) launch(ctx context.Context) (*instance, error) {
	var profile *profile
	var alloc context.Context
	var endAlloc context.CancelFunc
	if isAddress(b.cfg.At) {
		var err error
		if alloc, endAlloc, err = connect(ctx, b.cfg.At); err != nil {
			return nil, err
		}
	} else {
		var err error
		if profile, err = newProfile(b.cfg.Dir); err != nil {
			return nil, fmt.Errorf("make a profile folder for Chromium: %w", err)
		}
		alloc, endAlloc = chromedp.NewExecAllocator(context.WithoutCancel(ctx), b.options(profile)...)
	}
	quiet := func(string, ...any) {}
	life, endLife := chromedp.NewContext(alloc, chromedp.WithBrowserOption(
		chromedp.WithBrowserLogf(quiet), chromedp.WithBrowserErrorf(func(format string, args ...any) {
			b.log.Debug("chromedp: " + fmt.Sprintf(format, args...))
		})))
	i := &instance{ctx: life, began: time.Now()}
	i.stop = sync.OnceFunc(func() {
		i.stopping.Store(true)
		endLife()
		endAlloc()
		if profile != nil {
			profile.remove(int(i.pid.Load()))
		}
	})
	// The context that starts Chromium also ends it, so the time limit of the start cannot be in that context.
	limit := goroutine.AfterDelay(ctx, startTime, i.stop)
	defer limit.Stop()
	defer goroutine.AfterFunc(ctx, i.stop)()
	v, err := chromedp.CallBrowser(life, browser.GetVersion, cdp.Empty{})
	if i.browser = chromedp.FromContext(life).Browser; i.browser != nil && i.browser.Process() != nil {
		i.pid.Store(int64(i.browser.Process().Pid))
	}
	if err == nil {
		i.version = v.Product
		return i, nil
	}
	i.stop()
	return nil, fmt.Errorf("start Chromium: %w", firstLines(err))
}

// firstLines shortens an error that contains Chromium's output, so that it fits a log line.
func firstLines(err error) error {
	const limit = 500
	if s := err.Error(); len(s) > limit {
		return fmt.Errorf("%s …", strings.ToValidUTF8(s[:limit], ""))
	}
	return err
}

// newContext makes a BrowserContext that can use only the proxy. If Chromium does not answer, newContext calls giveUp.
func (i *instance) newContext(ctx context.Context, proxy string) (id cdp.BrowserContextID, err error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(asked, answerTime)
	defer cancel()
	defer func() {
		if err != nil && asked.Err() == nil && ctx.Err() != nil {
			i.giveUp()
		}
	}()
	made, err := cdp.Call(ctx, i.browser, target.CreateBrowserContext, target.CreateBrowserContextParams{
		DisposeOnDetach: new(true), ProxyServer: proxy, ProxyBypassList: bypass,
	})
	if err != nil {
		return "", fmt.Errorf("make a browser context: %w", err)
	}
	_, err = cdp.Call(ctx, i.browser, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorDeny, BrowserContextID: made.BrowserContextID,
	})
	if err != nil {
		i.dispose(made.BrowserContextID)
		return "", fmt.Errorf("forbid downloads: %w", err)
	}
	return made.BrowserContextID, nil
}

// dispose removes a BrowserContext with all its tabs and storage.
func (i *instance) dispose(id cdp.BrowserContextID) {
	ctx, cancel := context.WithTimeout(i.ctx, 5*time.Second)
	defer cancel()
	_, _ = cdp.Call(ctx, i.browser, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: id})
}

// bypass is the value of Chromium's setting for proxy exceptions that removes the exceptions for loopback and link-local addresses.
const bypass = "<-loopback>"

// options returns the command line of Chromium.
func (b *Browser) options(p *profile) []chromedp.ExecAllocatorOption {
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(b.cfg.At), chromedp.UserDataDir(p.dir), chromedp.UserAgent(b.cfg.UserAgent),
		chromedp.ProxyServer(b.cfg.Proxy.URL()), chromedp.Flag("proxy-bypass-list", bypass),
		// Chromium resolves no names itself; the proxy does.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE "+hostOf(b.cfg.Proxy.URL())),
		// Chromium uses the first of these two flags, the old headless shell uses the second.
		chromedp.Flag("webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		chromedp.Flag("force-webrtc-ip-handling-policy", "disable_non_proxied_udp"),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("password-store", "basic"), chromedp.Flag("lang", "en"),
		// Frames of other sites run in the process of their page, so that one DevTools session sees all requests. Site isolation would protect
		// cookies, but a session has no cookies of its user.
		chromedp.Flag("disable-features", "IsolateOrigins,site-per-process,Translate,OptimizationHints,MediaRouter,"+
			"DialMediaRouteProvider,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Prerender2,AutofillServerCommunication"),
		// The environment may hold secrets, so it is not passed on. All files of Chromium are in the profile
		// folder.
		chromedp.NoInheritEnv, chromedp.Env("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin",
			"HOME="+p.dir, "TMPDIR="+p.dir, "XDG_RUNTIME_DIR="+p.dir, "LANG=C.UTF-8"),
		chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
			cmd.Dir = p.dir
			own(cmd)
		}),
	}
	for _, name := range []string{
		"headless", "hide-scrollbars", "mute-audio", "no-first-run", "no-default-browser-check", "disable-gpu", "disable-sync",
		"disable-background-networking", "disable-background-timer-throttling", "disable-backgrounding-occluded-windows",
		"disable-breakpad", "disable-crash-reporter", "disable-client-side-phishing-detection", "disable-component-update",
		"disable-default-apps", "disable-dev-shm-usage", "disable-domain-reliability", "disable-extensions", "disable-hang-monitor",
		"disable-notifications", "disable-prompt-on-repost", "disable-quic", "disable-renderer-backgrounding",
		"disable-site-isolation-trials", "disable-speech-api", "dns-prefetch-disable", "metrics-recording-only", "no-pings",
		"no-service-autorun", "noerrdialogs", "safebrowsing-disable-auto-update", "use-mock-keychain", "block-new-web-contents",
	} {
		opts = append(opts, chromedp.Flag(name, true))
	}
	if os.Getuid() == 0 {
		b.log.Warn("Chromium runs without its sandbox, because legwork runs as root; give legwork a user of its own")
	}
	return opts
}

func hostOf(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Hostname()
	}
	return raw
}
