//! The query pane. `Pane` is state; `update` takes inputs and gives orders; `view` draws; `worker` is the task that owns
//! the live session. The rest of the console embeds it as `Command::Query(tab, Order)` and `Event::Query(tab, News)`.
