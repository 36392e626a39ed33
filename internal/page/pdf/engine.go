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

// memoryPages is the largest memory of one PDFium instance, in WebAssembly pages of 64 KiB: 128 MiB.
const memoryPages = 2048

// instanceWait is how long a document waits for a free instance. The wait also ends when the document's context ends.
const instanceWait = time.Minute

// Engine starts PDFium instances. The engine itself is started for the first document. The first start on a machine compiles the
// WebAssembly module, which takes a few seconds of CPU time and 350 MiB. Later starts load the machine code from the cache folder in about
// 50 ms. Several processes may share a cache folder. An Engine is safe for concurrent use.
type Engine struct {
	cacheDir string

	mu   sync.Mutex
	pool pdfium.Pool // nil if the engine is not started
	stop []func()    // functions that Close calls, the last one first
}

// NewEngine returns an Engine that caches machine code in cacheDir. If cacheDir is empty, the folder is legwork/wasm in the user's cache
// folder. If the user has no cache folder, nothing is cached.
func NewEngine(cacheDir string) *Engine {
	if cacheDir == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			cacheDir = filepath.Join(dir, "legwork", "wasm")
		}
	}
	return &Engine{cacheDir: cacheDir}
}

// Start compiles the module, or loads it from the cache folder. Read calls it if necessary.
func (e *Engine) Start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pool != nil {
		return nil
	}
	err := e.start(e.cacheDir)
	if err != nil && e.cacheDir != "" { // the cache may be damaged, or its folder read-only, so try without the cache
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
		FSConfig: wazero.NewFSConfig(), // no access to folders of this machine
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

// Close stops the engine. Reads that are still running fail.
func (e *Engine) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := len(e.stop) - 1; i >= 0; i-- {
		e.stop[i]()
	}
	e.pool, e.stop = nil, nil
}

// with calls use with a new instance. When ctx ends, it stops the instance and returns the error of ctx.
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
		if r := recover(); r != nil { // a WebAssembly trap that the library does not turn into an error
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
