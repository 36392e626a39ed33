package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	pdfium "github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"legwork/internal/goroutine"
)

// memoryPages bounds the memory of one PDFium instance, in WebAssembly pages of 64 KiB.
const memoryPages = 2048

// instanceWait is how long a document waits for its instance, beyond what its context says.
const instanceWait = time.Minute

// Engine starts PDFium instances. It is started by its first document: the first start on a machine compiles the
// WebAssembly module, which takes some seconds of CPU and 350 MiB; later ones take the machine code from the cache folder
// in some 50 ms. Several processes may share a cache folder. An Engine is safe for concurrent use.
type Engine struct {
	cacheDir string

	mu   sync.Mutex
	pool pdfium.Pool // nil: not started
	stop []func()
}

// NewEngine returns an Engine that keeps machine code in cacheDir. Empty: in the user's cache folder where there is one.
func NewEngine(cacheDir string) *Engine {
	if cacheDir == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			cacheDir = filepath.Join(dir, "legwork", "wasm")
		}
	}
	return &Engine{cacheDir: cacheDir}
}

// Start compiles the module, or takes it from the cache. Read does it where it was not done.
func (e *Engine) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pool != nil {
		return nil
	}
	err := e.start(e.cacheDir)
	if err != nil && e.cacheDir != "" { // the cache may be damaged, or the folder not writable: do without
		err = e.start("")
	}
	if err != nil {
		return fmt.Errorf("start PDFium: %w", err)
	}
	return nil
}

func (e *Engine) start(cacheDir string) error {
	ctx := context.Background()
	config := wazero.NewRuntimeConfigCompiler().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithMemoryLimitPages(memoryPages).
		WithCloseOnContextDone(true)
	var stop []func()
	if cacheDir != "" {
		cache, err := wazero.NewCompilationCacheWithDir(cacheDir)
		if err != nil {
			return err
		}
		stop = append(stop, func() { _ = cache.Close(ctx) })
		config = config.WithCompilationCache(cache)
	}
	pool, err := webassembly.Init(webassembly.Config{
		Context: ctx, MaxTotal: 64, MaxIdle: 0, RuntimeConfig: config,
		FSConfig: wazero.NewFSConfig(), // no folder of this machine
		Stdout:   io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		for _, f := range stop {
			f()
		}
		return err
	}
	e.pool, e.stop = pool, append(stop, func() { _ = pool.Close() })
	return nil
}

// Close ends the engine. Documents that are being read fail.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.stop) - 1; i >= 0; i-- {
		e.stop[i]()
	}
	e.pool, e.stop = nil, nil
}

// with runs use with an instance of its own. When ctx ends, the instance is stopped and the error is that of ctx.
func (e *Engine) with(ctx context.Context, use func(pdfium.Pdfium) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.Start(); err != nil {
		return err
	}
	e.mu.Lock()
	pool := e.pool
	e.mu.Unlock()
	if pool == nil {
		return errors.New("PDFium was closed")
	}
	waiting, done := context.WithTimeout(ctx, instanceWait)
	instance, err := pool.GetInstanceWithContext(waiting)
	done()
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	killed := make(chan struct{})
	alive := goroutine.AfterFunc(ctx, func() {
		defer close(killed)
		_ = instance.Kill()
	})
	defer func() {
		if r := recover(); r != nil { // a trap of the sandbox that the library does not expect
			err = fmt.Errorf("%w: %v", ErrBroken, r)
		}
		if !alive() {
			<-killed
			err = ctx.Err()
			return
		}
		_ = instance.Close()
	}()
	return use(instance)
}
