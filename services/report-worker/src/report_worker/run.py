"""The worker's main module. Slots import it again when they are spawned, so it imports nothing by itself."""

if __name__ == "__main__":
    from report_worker.worker import main

    main()
