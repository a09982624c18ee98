// An NRI plugin for the tests, on the library that plugins are built with. It writes what it is told to a file, one JSON
// object a line, and answers what a script says:
//
//	{"CreateContainer": {"only": "web", "adjust": {…}, "update": [{…}], "error": "…", "sleep_ms": 10}}
//
// Messages are in protobuf's JSON. A container_id "@name" is the id of the container of that name. An action's
// "unsolicited" updates are asked for while the event goes on, or after it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/containerd/nri/pkg/api"
	"github.com/containerd/nri/pkg/stub"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

type action struct {
	Only        string            `json:"only"` // a container's or pod's name
	Adjust      json.RawMessage   `json:"adjust"`
	Update      []json.RawMessage `json:"update"`
	Unsolicited []json.RawMessage `json:"unsolicited"`
	Error       string            `json:"error"`
	SleepMs     int               `json:"sleep_ms"`
	Exit        bool              `json:"exit"`
}

type plugin struct {
	sync.Mutex
	script map[string]action
	file   *os.File
	ids    map[string]string
	stub   stub.Stub
	events string
}

func (p *plugin) write(line map[string]any) {
	p.Lock()
	defer p.Unlock()
	data, err := json.Marshal(line)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := p.file.Write(append(data, '\n')); err != nil {
		log.Fatal(err)
	}
}

func raw(m proto.Message) json.RawMessage {
	data, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

// event writes an event down and returns what the script says of it.
func (p *plugin) event(name string, pod *api.PodSandbox, c *api.Container, more ...any) (action, error) {
	line := map[string]any{"event": name}
	subject := ""
	if pod != nil {
		line["pod"] = raw(pod)
		subject = pod.GetName()
	}
	if c != nil {
		line["container"] = raw(c)
		subject = c.GetName()
		p.Lock()
		p.ids[c.GetName()] = c.GetId()
		p.Unlock()
	}
	if len(more) > 0 {
		line["more"] = more
	}
	p.write(line)
	do := p.script[name]
	if do.Only != "" && do.Only != subject {
		return action{}, nil
	}
	if do.Exit {
		os.Exit(3)
	}
	time.Sleep(time.Duration(do.SleepMs) * time.Millisecond)
	if len(do.Unsolicited) > 0 {
		failed, err := p.stub.UpdateContainers(p.updates(do.Unsolicited))
		answer := map[string]any{"event": "UpdateContainers", "failed": len(failed)}
		if err != nil {
			answer["error"] = err.Error()
		}
		p.write(answer)
	}
	if do.Error != "" {
		return do, errors.New(do.Error)
	}
	return do, nil
}

func (p *plugin) updates(wanted []json.RawMessage) []*api.ContainerUpdate {
	var all []*api.ContainerUpdate
	for _, each := range wanted {
		update := &api.ContainerUpdate{}
		if err := protojson.Unmarshal(each, update); err != nil {
			log.Fatal(err)
		}
		if name, found := strings.CutPrefix(update.ContainerId, "@"); found {
			p.Lock()
			update.ContainerId = p.ids[name]
			p.Unlock()
		}
		all = append(all, update)
	}
	return all
}

func (p *plugin) Configure(_ context.Context, config, runtime, version string) (api.EventMask, error) {
	p.write(map[string]any{"event": "Configure", "config": config, "runtime": runtime, "version": version})
	if p.events == "" {
		return 0, nil
	}
	return api.ParseEventMask(strings.Split(p.events, ",")...)
}

func (p *plugin) Synchronize(_ context.Context, pods []*api.PodSandbox, containers []*api.Container) ([]*api.ContainerUpdate, error) {
	ids := []string{}
	for _, pod := range pods {
		ids = append(ids, pod.GetId())
	}
	names := []string{}
	p.Lock()
	for _, c := range containers {
		ids = append(ids, c.GetId())
		names = append(names, c.GetName())
		p.ids[c.GetName()] = c.GetId()
	}
	p.Unlock()
	do, err := p.event("Synchronize", nil, nil, ids, names)
	return p.updates(do.Update), err
}

func (p *plugin) RunPodSandbox(_ context.Context, pod *api.PodSandbox) error {
	_, err := p.event("RunPodSandbox", pod, nil)
	return err
}

func (p *plugin) UpdatePodSandbox(_ context.Context, pod *api.PodSandbox, over, res *api.LinuxResources) error {
	_, err := p.event("UpdatePodSandbox", pod, nil, raw(over), raw(res))
	return err
}

func (p *plugin) PostUpdatePodSandbox(_ context.Context, pod *api.PodSandbox) error {
	_, err := p.event("PostUpdatePodSandbox", pod, nil)
	return err
}

func (p *plugin) StopPodSandbox(_ context.Context, pod *api.PodSandbox) error {
	_, err := p.event("StopPodSandbox", pod, nil)
	return err
}

func (p *plugin) RemovePodSandbox(_ context.Context, pod *api.PodSandbox) error {
	_, err := p.event("RemovePodSandbox", pod, nil)
	return err
}

func (p *plugin) CreateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) (*api.ContainerAdjustment, []*api.ContainerUpdate, error) {
	do, err := p.event("CreateContainer", pod, c)
	if err != nil {
		return nil, nil, err
	}
	var adjust *api.ContainerAdjustment
	if len(do.Adjust) > 0 {
		adjust = &api.ContainerAdjustment{}
		if err := protojson.Unmarshal(do.Adjust, adjust); err != nil {
			log.Fatal(err)
		}
	}
	return adjust, p.updates(do.Update), nil
}

func (p *plugin) PostCreateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	_, err := p.event("PostCreateContainer", pod, c)
	return err
}

func (p *plugin) StartContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	_, err := p.event("StartContainer", pod, c)
	return err
}

func (p *plugin) PostStartContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	_, err := p.event("PostStartContainer", pod, c)
	return err
}

func (p *plugin) UpdateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container, res *api.LinuxResources) ([]*api.ContainerUpdate, error) {
	do, err := p.event("UpdateContainer", pod, c, raw(res))
	return p.updates(do.Update), err
}

func (p *plugin) PostUpdateContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	_, err := p.event("PostUpdateContainer", pod, c)
	return err
}

func (p *plugin) StopContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) ([]*api.ContainerUpdate, error) {
	do, err := p.event("StopContainer", pod, c)
	return p.updates(do.Update), err
}

func (p *plugin) RemoveContainer(_ context.Context, pod *api.PodSandbox, c *api.Container) error {
	_, err := p.event("RemoveContainer", pod, c)
	return err
}

func (p *plugin) Shutdown(context.Context) {
	p.write(map[string]any{"event": "Shutdown"})
}

func main() {
	socket := flag.String("socket", os.Getenv("TEST_NRI_SOCKET"), "to connect to")
	name := flag.String("name", "", "of the plugin")
	index := flag.String("idx", "", "of the plugin")
	script := flag.String("script", "", "file with what to answer")
	out := flag.String("out", "", "file for what it is told")
	events := flag.String("events", "", "to subscribe to, by comma; empty: all")
	flag.Parse()
	p := &plugin{script: map[string]action{}, ids: map[string]string{}, events: *events}
	if *out == "" {
		// Started by the runtime, which gives no arguments: the files are beside the program.
		*out, *script = os.Args[0]+".out", os.Args[0]+".script"
	}
	if data, err := os.ReadFile(*script); err == nil {
		if err := json.Unmarshal(data, &p.script); err != nil {
			log.Fatal(err)
		}
	}
	var err error
	if p.file, err = os.OpenFile(*out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
		log.Fatal(err)
	}
	options := []stub.Option{}
	if *name != "" {
		options = append(options, stub.WithPluginName(*name), stub.WithPluginIdx(*index))
	}
	if *socket != "" {
		options = append(options, stub.WithSocketPath(*socket))
	}
	if p.stub, err = stub.New(p, options...); err != nil {
		log.Fatal(err)
	}
	if err = p.stub.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
