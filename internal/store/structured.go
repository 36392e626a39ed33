package store

import (
	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store/jsoncolumn"
)

// structured fills in the columns for the data and the contradictions of a result. Those that the result does not have
// become NULL.
func structured(p *db.EndTaskParams, res research.Result) (err error) {
	if len(res.Data) > 0 {
		p.Data = res.Data
		if p.DataBasis, err = jsoncolumn.EncodeList(res.DataBasis); err != nil {
			return err
		}
	}
	if len(res.Contradictions) > 0 {
		p.Contradictions, err = jsoncolumn.EncodeList(res.Contradictions)
	}
	return err
}

func nilIfZero32(n int) *int32 {
	if n == 0 {
		return nil
	}
	v := int32(n)
	return &v
}

func deref32(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}
